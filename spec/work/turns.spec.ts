import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Outcome, TurnReply } from '../../lib/redis/wire.ts'
import { Held } from '../../lib/work/held.ts'
import { type Finished, Turns, type TurnsOptions } from '../../lib/work/turns.ts'

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
/** Every microtask that is due has run; nothing of the event loop's next phase has. */
const microtasks = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await undefined
}

let made = 0
function finished(bytes = 10): Finished {
  made += 1
  const place = { lane: 'normal', entry: `1-${made}` } as const
  const outcome: Outcome = {
    ...place,
    ...{ id: `task-${made}`, state: 'succeeded', value: Buffer.alloc(bytes), ttl: 1, attempt: 1, ran: 0 },
    ...{ kept: undefined, client: '' },
  }
  const held = new Held({
    ...{ ...place, id: outcome.id, call: Buffer.alloc(0) },
    ...{ begunBefore: 0, failures: 0, crashes: 0, expires: undefined, deadline: undefined, inputs: 0 },
    hears: false,
  })
  return { held, outcome }
}
const several = (count: number, bytes?: number): Finished[] =>
  Array.from({ length: count }, () => finished(bytes))

const EMPTY: TurnReply = { verdicts: [], taken: [] }

interface Turn {
  readonly want: number
  readonly ids: readonly string[]
  reply(): Promise<void>
  fail(error: unknown): Promise<void>
}

/** Turns that are answered when the spec says so. */
function turnsOf(more: Partial<TurnsOptions<TurnReply>> = {}) {
  const sent: Turn[] = []
  const state = { wanted: 0, busy: true, most: 0, open: 0 }
  const replies: { finished: readonly Finished[]; want: number; asked: number }[] = []
  const errors: { finished: readonly Finished[]; error: unknown; asked: number }[] = []
  const turns = new Turns<TurnReply>({
    wanted: () => state.wanted,
    isBusy: () => state.busy,
    send: (want, outcomes) =>
      new Promise((resolve, reject) => {
        state.open += 1
        state.most = Math.max(state.most, state.open)
        const end = async (settle: () => void): Promise<void> => {
          state.open -= 1
          settle()
          await microtasks()
        }
        sent.push({
          want,
          ids: outcomes.map(({ id }) => id),
          reply: () => end(() => resolve(EMPTY)),
          fail: (error) => end(() => reject(error)),
        })
      }),
    onReply: (list, want) => replies.push({ finished: list, want, asked: turns.asked }),
    onError: (list, error) => errors.push({ finished: list, error, asked: turns.asked }),
    ...more,
  })
  const push = (list: readonly Finished[]): void => {
    for (const one of list) turns.push(one)
  }
  return { turns, sent, state, replies, errors, push }
}
const ids = (list: readonly Finished[]): string[] => list.map(({ outcome }) => outcome.id)

describe('outcomes', () => {
  test('of one event-loop turn go together, while handlers run', async (t) => {
    // After 2.5 ms they would not wait for its end.
    t.mock.method(performance, 'now', () => 1_000)
    const { sent, push } = turnsOf()
    const [a, b] = [several(3), several(2)]
    push(a)
    await microtasks()
    push(b)
    assert.equal(sent.length, 0)
    await immediate()
    assert.deepEqual(
      sent.map((turn) => turn.ids),
      [ids([...a, ...b])],
    )
  })

  test('go at once when no handler runs', async () => {
    const { sent, state, push } = turnsOf()
    state.busy = false
    const [a] = [several(2)]
    push(a)
    assert.equal(sent.length, 0, 'what one tick brings goes together')
    await microtasks()
    assert.deepEqual(sent[0]?.ids, ids(a))
  })

  test('that are many go beside another turn, and the reply comes with those that it is for', async () => {
    const { sent, replies, push } = turnsOf()
    const [a, b] = [several(2), several(128)]
    push(a)
    await immediate()
    push(b)
    await sent[1]!.reply()
    await sent[0]!.reply()
    assert.deepEqual(
      replies.map((reply) => ids(reply.finished)),
      [ids(b), ids(a)],
    )
    assert.equal(sent.length, 2)
  })

  test('that are few gather while a turn is on its way, and go with the next: batches grow with the load', async () => {
    const { sent, state, push } = turnsOf()
    const rest: Finished[] = []
    for (let i = 0; i < 50; i++) {
      const some = several(2)
      push(some)
      if (i >= 1) rest.push(...some)
      await immediate()
    }
    assert.deepEqual([sent.length, state.most], [1, 1])
    await sent[0]!.reply()
    assert.deepEqual(sent[1]?.ids, ids(rest))
    assert.equal(state.most, 1)
  })

  test('of a long run leave while it goes on, two turns at a time, of at most 256', async () => {
    const { sent, state, push } = turnsOf()
    const all = several(600)
    push(all)
    assert.equal(sent.length, 2, 'in the same tick')
    await immediate()
    for (let i = 0; i < 3; i++) await sent[i]!.reply()
    assert.deepEqual(
      sent.map((turn) => turn.ids.length),
      [128, 128, 256, 88],
    )
    assert.deepEqual(
      sent.flatMap((turn) => turn.ids),
      ids(all),
    )
    assert.equal(state.most, 2)
  })

  test('leave after some milliseconds, while synchronous handlers follow each other without a pause', (t) => {
    let now = 1_000
    t.mock.method(performance, 'now', () => now)
    const { sent, push } = turnsOf()
    const all = several(5)
    for (const one of all) {
      push([one])
      now += 1
    }
    assert.deepEqual(sent[0]?.ids, ids(all.slice(0, 4)), 'in the same tick')
  })

  test('that are hurried leave in the same tick, and bring more; few do not go beside a turn on its way', async () => {
    const { turns, sent, state, push } = turnsOf()
    const [a, b] = [several(2), several(2)]
    state.wanted = 3
    push(a)
    turns.hurry()
    assert.deepEqual([sent.length, sent[0]?.want, sent[0]?.ids], [1, 3, ids(a)])
    push(b)
    turns.hurry()
    assert.equal(sent.length, 1)
    await sent[0]!.reply()
    assert.deepEqual(sent[1]?.ids, ids(b))
  })

  test('that are large go in turns of at most a megabyte, one that is larger alone', async () => {
    const { sent, push } = turnsOf()
    const sizes = [400_000, 400_000, 400_000, 3_000_000, 10, 10]
    push(sizes.map((size) => finished(size)))
    await immediate()
    for (let i = 0; i < 3; i++) await sent[i]!.reply()
    assert.deepEqual(
      sent.map((turn) => turn.ids.length),
      [2, 1, 1, 2],
    )
  })

  test('that fail are handed over with the error, and the next ones go on', async () => {
    const { turns, sent, errors, push } = turnsOf()
    const [a, b] = [several(2), several(1)]
    push(a)
    await immediate()
    const error = new Error('no answer')
    await sent[0]!.fail(error)
    assert.deepEqual(errors, [{ finished: a, error, asked: 0 }])
    assert.equal(turns.asked, 0)
    push(b)
    await immediate()
    assert.deepEqual(sent[1]?.ids, ids(b))
  })

  test('that are forgotten are not sent; those on their way are answered', async () => {
    const { turns, sent, replies, push } = turnsOf()
    const [a, b] = [several(1), several(1)]
    push(a)
    await immediate()
    push(b)
    turns.forget()
    await immediate()
    assert.equal(sent.length, 1)
    await sent[0]!.reply()
    assert.deepEqual(ids(replies[0]!.finished), ids(a))
    await turns.settled()
  })
})

describe('asking for work', () => {
  test('wants as many as there are slots, and at most 256', async () => {
    const { turns, sent, state } = turnsOf()
    state.wanted = 7
    turns.ask()
    await immediate()
    assert.deepEqual([sent[0]?.want, sent[0]?.ids], [7, []])
    state.wanted = 10_000
    const other = turnsOf()
    other.state.wanted = 10_000
    other.turns.ask()
    await immediate()
    assert.equal(other.sent[0]?.want, 256)
  })

  test('sends nothing when nothing is wanted', async () => {
    const { turns, sent, state } = turnsOf()
    for (const wanted of [0, -3]) {
      state.wanted = wanted
      turns.ask()
      await immediate()
    }
    assert.equal(sent.length, 0)
    assert.equal(turns.asked, 0)
  })

  test('without outcomes happens in one turn at a time, however often it is asked', async () => {
    const { turns, sent, state } = turnsOf()
    state.wanted = 5
    for (let i = 0; i < 10; i++) {
      turns.ask()
      await immediate()
    }
    assert.equal(sent.length, 1)
    state.wanted = 0
    await sent[0]!.reply()
    assert.equal(sent.length, 1)
    state.wanted = 5
    turns.ask()
    await immediate()
    assert.equal(sent.length, 2)
  })

  test('goes along with outcomes, also while another turn asks', async () => {
    const { turns, sent, state, push } = turnsOf()
    state.wanted = 5
    turns.ask()
    await immediate()
    state.wanted = 2
    const a = several(128)
    push(a)
    await immediate()
    assert.deepEqual([sent[1]?.want, sent[1]?.ids], [2, ids(a)])
    assert.equal(turns.asked, 7)
  })

  test('counts what it has asked for until the answer comes, good or bad, and not any more when it is handed over', async () => {
    const { turns, sent, state, replies, errors, push } = turnsOf()
    state.wanted = 3
    push(several(1))
    await immediate()
    state.wanted = 2
    push(several(128))
    await immediate()
    assert.equal(turns.asked, 5)
    state.wanted = 0
    await sent[0]!.reply()
    assert.deepEqual([turns.asked, replies[0]?.asked, replies[0]?.want], [2, 2, 3])
    await sent[1]!.fail(new Error('no answer'))
    assert.deepEqual([turns.asked, errors[0]?.asked], [0, 0])
  })

  test('sends outcomes with no wish while nothing is wanted', async () => {
    const { sent, state, push } = turnsOf()
    state.wanted = -4
    push(several(1))
    await immediate()
    assert.deepEqual([sent[0]?.want, sent[0]?.ids.length], [0, 1])
  })

  test('goes on by itself as long as replies leave something wanted', async () => {
    const { turns, sent, state } = turnsOf()
    state.wanted = 5
    turns.ask()
    await immediate()
    await sent[0]!.reply()
    assert.equal(sent.length, 2)
    state.wanted = 0
    await sent[1]!.reply()
    assert.equal(sent.length, 2)
  })
})

describe('settled()', () => {
  test('resolves at once when there is nothing', async () => {
    await turnsOf().turns.settled()
  })

  test('resolves when everything that was pushed is answered, not before', async () => {
    const { turns, sent, push } = turnsOf()
    push(several(300))
    let settled = 0
    const both = [turns.settled(), turns.settled()].map((one) => one.then(() => settled++))
    await immediate()
    await sent[0]!.reply()
    await sent[1]!.reply()
    await immediate()
    assert.equal(settled, 0)
    await sent[2]!.reply()
    await Promise.all(both)
    assert.equal(settled, 2)
  })

  test('resolves also after a turn that failed, and waits for one that only asks', async () => {
    const { turns, sent, state } = turnsOf()
    state.wanted = 1
    turns.ask()
    await immediate()
    let settled = false
    const waiting = turns.settled().then(() => {
      settled = true
    })
    await immediate()
    assert.equal(settled, false)
    state.wanted = 0
    await sent[0]!.fail(new Error('no answer'))
    await waiting
  })
})

describe('a reply that throws while it is handled', () => {
  test('is an error of that turn, and the count of what was asked for stays right', async () => {
    const errors: unknown[] = []
    const { turns, sent, state, push } = turnsOf({
      onReply: () => {
        throw new Error('a listener of the user')
      },
      onError: (_finished, error) => errors.push(error),
    })
    state.wanted = 3
    push(several(1))
    await immediate()
    state.wanted = 0
    await sent[0]!.reply()
    assert.equal(errors.length, 1)
    assert.equal(turns.asked, 0)
    state.wanted = 2
    turns.ask()
    await immediate()
    assert.deepEqual([sent.length, sent[1]?.want], [2, 2])
  })
})
