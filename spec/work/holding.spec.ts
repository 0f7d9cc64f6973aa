import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { Clock } from '../../lib/clock.ts'
import type { Lane } from '../../lib/record.ts'
import type { Delivery } from '../../lib/redis/wire.ts'
import { Begun } from '../../lib/upkeep/begun.ts'
import { Held } from '../../lib/work/held.ts'
import { Holding } from '../../lib/work/holding.ts'
import { Pace } from '../../lib/work/pace.ts'

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

let made = 0
function held(more: Partial<Delivery> = {}): Held {
  made += 1
  return new Held({
    ...{ lane: 'normal', entry: `1-${made}`, id: `task-${made}`, call: Buffer.alloc(0) },
    ...{ begunBefore: 0, failures: 0, crashes: 0, expires: undefined, deadline: undefined, inputs: 0 },
    hears: false,
    ...more,
  })
}
const placeOf = ({ lane, entry, id, call }: Held) => ({ lane, entry, id, call })
const several = (count: number): Held[] => Array.from({ length: count }, () => held())

/** Nothing waits too long here: the specs below that are about that have a pace of their own. */
class Patient extends Pace {
  override excess(): number {
    return 0
  }
}

const NOTHING_ELSE = {
  ...{ isSuspect: () => false, onRoom: () => {}, onLast: () => {}, onExcess: async () => {} },
  ...{ registry: new Map(), clock: new Clock() },
}

function makeHolding(concurrency: number, run: (one: Held) => void, begun = new Begun()): Holding {
  const pace = new Patient(concurrency, 0)
  return new Holding({ ...NOTHING_ELSE, pace, begun, run })
}

/** A holding whose handlers run until the spec ends them. */
function holdingOf(concurrency: number): { holding: Holding; running: Held[] } {
  const running: Held[] = []
  return { holding: makeHolding(concurrency, (one) => running.push(one)), running }
}

/** Time passes only when the spec says so. */
function clock(t: TestContext): { pass(ms: number): void } {
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  return { pass: (ms) => (now += ms) }
}

describe('slots', () => {
  test('as many run as there are slots, in the order in which they came; the others wait', () => {
    const { holding, running } = holdingOf(2)
    const all = several(4)
    for (const one of all) holding.take([one])
    assert.deepEqual(running, all.slice(0, 2))
    assert.deepEqual(
      all.map((one) => one.state),
      ['running', 'running', 'waiting', 'waiting'],
    )
    assert.equal(holding.active, 2)
    assert.ok(holding.room <= 0)
    holding.finish(all[1]!)
    assert.deepEqual(running, all.slice(0, 3))
    assert.deepEqual([holding.active, all[1]!.state], [2, 'finishing'])
  })

  test('that nothing runs in or waits for are free', () => {
    const { holding } = holdingOf(3)
    const [a, b] = several(2)
    assert.equal(holding.room, 3)
    holding.take([a!])
    assert.equal(holding.room, 2)
    holding.take([b!])
    holding.finish(a!)
    assert.equal(holding.room, 2)
    holding.drop(b!, 'gone')
    assert.deepEqual([holding.room, holding.active], [3, 0])
  })

  test('a task begins in the same tick when there is a slot', () => {
    const { holding, running } = holdingOf(1)
    const one = held()
    holding.take([one])
    assert.deepEqual(running, [one])
  })
})

describe('bookkeeping', () => {
  test('a task is held from its taking to its drop, also while its outcome is on its way', () => {
    const { holding } = holdingOf(1)
    const one = held()
    assert.ok(!holding.has(one.key))
    holding.take([one])
    assert.equal(holding.get(one.key), one)
    holding.finish(one)
    assert.ok(holding.has(one.key))
    holding.drop(one)
    assert.ok(!holding.has(one.key))
    assert.equal(one.state, 'gone')
  })

  test('the keys are those of all that is held, whatever its state', () => {
    const { holding } = holdingOf(2)
    const [a, b, c] = several(3)
    for (const one of [a!, b!, c!]) holding.take([one])
    holding.finish(a!)
    assert.deepEqual(holding.keys(), new Set([a!.key, b!.key, c!.key]))
    holding.drop(b!)
    const keys = holding.keys()
    holding.drop(a!)
    assert.deepEqual(keys, new Set([a!.key, c!.key]), 'a snapshot')
    assert.deepEqual(holding.keys(), new Set([c!.key]))
  })

  test('dropping frees the slot of a running task once, however often it is dropped', () => {
    const { holding, running } = holdingOf(1)
    const [a, b] = several(2)
    holding.take([a!])
    holding.take([b!])
    holding.drop(a!, 'lost')
    holding.drop(a!, 'lost')
    assert.deepEqual([running, holding.active], [[a, b], 1])
    holding.drop(b!)
    assert.equal(holding.active, 0)
  })

  test('dropping again touches neither the handler nor another delivery that came to the same place', () => {
    const { holding } = holdingOf(2)
    const first = held()
    holding.take([first])
    holding.finish(first)
    holding.drop(first)
    const second = held({ ...placeOf(first), begunBefore: 1 })
    holding.take([second])
    holding.drop(first, 'late news')
    assert.equal(holding.get(first.key), second)
    assert.ok(!first.signal.aborted)
  })

  test('dropping a waiting task takes it out of the line', () => {
    const { holding, running } = holdingOf(1)
    const [a, b, c] = several(3)
    for (const one of [a!, b!, c!]) holding.take([one])
    holding.drop(b!)
    holding.finish(a!)
    assert.deepEqual(running, [a, c])
    assert.equal(b!.state, 'gone')
  })

  test('dropping with a reason aborts the handler; dropping a recorded outcome does not', () => {
    const { holding } = holdingOf(3)
    const [lost, done, late] = several(3)
    for (const one of [lost!, done!, late!]) holding.take([one])
    const signal = lost!.signal
    holding.drop(lost!, 'given to another')
    assert.ok(signal.aborted)
    assert.equal((signal.reason as Error).message, 'given to another')
    assert.equal((signal.reason as { code: string }).code, 'ERR_MILLRACE_TASK_ABORTED')
    holding.finish(done!)
    holding.drop(done!)
    assert.ok(!done!.signal.aborted)
    // A handler that looks at its signal only later sees that it is over.
    holding.drop(late!, 'too late')
    assert.ok(late!.signal.aborted)
  })

  test('the slot of an aborted handler is free at once: nobody waits for it to notice', () => {
    const { holding, running } = holdingOf(1)
    const [stuck, next] = several(2)
    holding.take([stuck!])
    holding.take([next!])
    holding.drop(stuck!, 'lost')
    assert.deepEqual(running, [stuck, next])
  })
})

describe('letting go', () => {
  test('of everything: aborts what runs, keeps those whose outcome is on its way', () => {
    const { holding, running } = holdingOf(2)
    const [a, b, c, d] = several(4)
    for (const one of [a!, b!, c!]) holding.take([one])
    holding.finish(a!)
    holding.take([d!])
    const { signal } = b!
    assert.deepEqual(new Set(holding.dropAll('declared dead')), new Set([b, c, d]))
    assert.ok(signal.aborted)
    assert.deepEqual([holding.active, holding.room], [0, 2])
    assert.deepEqual([a!.state, b!.state, c!.state, d!.state], ['finishing', 'gone', 'gone', 'gone'])
    assert.ok(holding.has(a!.key) && !holding.has(b!.key))
    assert.ok(!running.includes(d!), 'a freed slot took one that was let go')
  })

  test('of those that have not begun: answers them, in their order, and leaves what runs', () => {
    const { holding, running } = holdingOf(1)
    const all = several(4)
    for (const one of all) holding.take([one])
    assert.deepEqual(holding.dropWaiting(), all.slice(1))
    assert.deepEqual(holding.dropWaiting(), [])
    assert.deepEqual([holding.active, holding.room], [1, 0])
    holding.finish(all[0]!)
    assert.deepEqual(running, [all[0]])
  })

  test('aborting all tells every handler and lets go of none', () => {
    const { holding } = holdingOf(1)
    const [a, b] = several(2)
    holding.take([a!])
    holding.take([b!])
    holding.abortAll('the worker stops')
    assert.ok(a!.signal.aborted && b!.signal.aborted)
    assert.deepEqual([holding.active, holding.keys().size], [1, 2])
  })

  test('idle() resolves when no handler runs: at once, or when the last one has ended', async () => {
    const { holding } = holdingOf(2)
    await holding.idle()
    const [a, b] = several(2)
    holding.take([a!])
    holding.take([b!])
    let idle = 0
    const both = [holding.idle(), holding.idle()].map((one) => one.then(() => idle++))
    holding.finish(a!)
    await immediate()
    assert.equal(idle, 0)
    holding.drop(b!, 'lost')
    await Promise.all(both)
    assert.equal(idle, 2)
  })
})

describe('synchronous handlers', () => {
  test('of ten thousand waiting tasks run one after the other, not one inside the other', (t) => {
    clock(t)
    let ran = 0
    let deepest = 0
    let depth = 0
    const holding = makeHolding(10_000, (one) => {
      ran += 1
      depth += 1
      deepest = Math.max(deepest, depth)
      holding.finish(one)
      holding.drop(one)
      depth -= 1
    })
    // The first holds the slots closed until all the others wait.
    const gate = makeHolding(1, (one) => {
      ran += 1
      depth += 1
      deepest = Math.max(deepest, depth)
      if (ran > 1) {
        gate.finish(one)
        gate.drop(one)
      }
      depth -= 1
    })
    const first = held()
    gate.take([first])
    gate.take(several(10_000))
    gate.finish(first)
    assert.deepEqual([ran, deepest, gate.active], [10_001, 1, 0])
    ran = 0
    for (const one of several(10_000)) holding.take([one])
    assert.deepEqual([ran, deepest, holding.active], [10_000, 1, 0])
  })

  test('give the event loop a turn after a few milliseconds, and then go on by themselves', async (t) => {
    const time = clock(t)
    const ran: Held[] = []
    const holding = makeHolding(1, (one) => {
      ran.push(one)
      time.pass(2)
      if (ran.length > 1) {
        holding.finish(one)
        holding.drop(one)
      }
    })
    const all = several(10)
    for (const one of all) holding.take([one])
    holding.finish(all[0]!)
    assert.deepEqual(ran, all.slice(0, 4), 'three handlers of 2 ms are more than 5 ms')
    assert.equal(holding.active, 0)
    await immediate()
    assert.deepEqual(ran, all.slice(0, 7))
    await immediate()
    assert.deepEqual(ran, all)
    await immediate()
    assert.equal(holding.active, 0)
  })

  test('that yield begin nothing that was let go meanwhile, and everything that came', async (t) => {
    const time = clock(t)
    const ran: Held[] = []
    const holding = makeHolding(1, (one) => {
      ran.push(one)
      time.pass(10)
      holding.finish(one)
      holding.drop(one)
    })
    const [a, b, c, d] = several(4)
    holding.take([a!])
    for (const one of [b!, c!]) holding.take([one])
    assert.deepEqual(ran, [a], 'the burst is over')
    assert.ok(holding.room <= 0, 'those that wait need the slot')
    holding.drop(b!)
    holding.take([d!])
    assert.deepEqual(ran, [a])
    for (let i = 0; i < 4; i++) await immediate()
    assert.deepEqual(ran, [a, c, d])
  })

  test('may drop and take from inside', () => {
    const ran: Held[] = []
    const [a, b, c] = several(3)
    const holding = makeHolding(1, (one) => {
      ran.push(one)
      if (one === a) {
        holding.take([b!])
        holding.take([c!])
        holding.drop(b!)
      }
      holding.finish(one)
      holding.drop(one)
    })
    holding.take([a!])
    assert.deepEqual(ran, [a, c])
    assert.deepEqual([holding.active, holding.room, holding.keys().size], [0, 1, 0])
  })
})

describe('what cannot begin soon', () => {
  test('is let go, the last ones first, once two handlers have kept the event loop', async (t) => {
    const time = clock(t)
    const excess: Held[][] = []
    const ran: Held[] = []
    const holding = new Holding({
      ...{ ...NOTHING_ELSE, pace: new Pace(10, 0), begun: new Begun() },
      run: (one) => {
        ran.push(one)
        time.pass(100)
        holding.finish(one)
        holding.drop(one)
      },
      onExcess: async (helds) => void excess.push([...helds]),
    })
    const all = several(10)
    holding.take(all)
    assert.deepEqual([ran, excess, holding.room], [all.slice(0, 1), [], 0])
    await immediate()
    assert.deepEqual(ran, all.slice(0, 2))
    assert.deepEqual(excess, [all.slice(3)], 'one may wait')
    assert.deepEqual(holding.keys(), new Set([all[2]!.key]))
    assert.equal(holding.room, 0)
  })

  test('is fetched while the last of those that keep the event loop runs, not before', (t) => {
    const time = clock(t)
    const events: string[] = []
    const holding: Holding = new Holding({
      ...{ ...NOTHING_ELSE, pace: new Pace(10, 512), begun: new Begun() },
      onLast: () => events.push('last'),
      run: (one) => {
        events.push('run')
        time.pass(1)
        holding.finish(one)
      },
    })
    holding.take(several(1))
    assert.deepEqual(events.splice(0), ['run'], 'it is not known yet how long they take')
    holding.take(several(3))
    assert.deepEqual(events, ['run', 'run', 'last', 'run'])
  })

  test('is told when it has begun after all: only then was there room to ask for more', async (t) => {
    const time = clock(t)
    let asked = 0
    const holding = new Holding({
      ...{ ...NOTHING_ELSE, pace: new Patient(10, 0), begun: new Begun() },
      run: () => time.pass(4),
      onRoom: () => {
        asked += 1
      },
    })
    holding.take(several(3))
    assert.deepEqual([holding.active, asked], [2, 0], 'one more waits for the next turn of the event loop')
    await immediate()
    assert.deepEqual([holding.active, asked], [3, 1])
  })

  test('does not begin while the thread gives back, and begins afterwards', () => {
    const ran: Held[] = []
    const begun = new Begun()
    const holding = makeHolding(10, (one) => ran.push(one), begun)
    const thread = new Begun(begun.memory)
    const [a, b] = several(2)
    holding.take([a!])
    assert.ok(thread.stopAt(thread.beginnings))
    holding.take([b!])
    assert.deepEqual(ran, [a])
    assert.deepEqual([thread.hasWaiting, thread.hasBegun('normal', a!.entry)], [true, true])
    assert.ok(!thread.hasBegun('normal', b!.entry))
    begun.resume()
    holding.resume()
    assert.deepEqual(ran, [a, b])
    assert.ok(!thread.hasWaiting)
  })

  test('waits behind what is more urgent, however late that came', () => {
    const { holding, running } = holdingOf(1)
    const inLane = (lane: Lane): Held => held({ lane })
    const [one, low1, normal, low2] = [held(), inLane('low'), inLane('normal'), inLane('low')]
    const [high, first, normal2] = [inLane('high'), inLane('first'), inLane('normal')]
    holding.take([one])
    holding.take([low1, low2])
    holding.take([normal])
    holding.take([first, high, normal2])
    for (let i = 0; i < 7; i++) holding.finish(running[i]!)
    assert.deepEqual(running, [one, first, high, normal, normal2, low1, low2])
  })
})
