/** How tasks come together in batches and for commits, with the worker's own slots and attempts around them. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Clock } from '../../lib/clock.ts'
import { decode } from '../../lib/codec.ts'
import { Deadlines } from '../../lib/deadlines.ts'
import { callHead, encodeCall } from '../../lib/envelope.ts'
import { DoNotRetry } from '../../lib/errors.ts'
import type { Delivery, Outcome } from '../../lib/redis/wire.ts'
import { decodeError } from '../../lib/remote-error.ts'
import { Begun } from '../../lib/upkeep/begun.ts'
import { type BatchCall, joinBatch } from '../../lib/work/batch.ts'
import { Commits, type CommitTools } from '../../lib/work/commits.ts'
import { whileWaiting } from '../../lib/work/context.ts'
import { execute } from '../../lib/work/execute.ts'
import type { ExecuteOptions } from '../../lib/work/execute-options.ts'
import { Held } from '../../lib/work/held.ts'
import { Holding } from '../../lib/work/holding.ts'
import { Pace } from '../../lib/work/pace.ts'
import type { Definition } from '../../lib/work/registry.ts'
import { gate } from '../support/fresh.ts'

/** Handlers that begin in a row give the event loop a turn now and then. */
const immediate = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
const NEVER = 3_600_000

type Calls = BatchCall<[unknown], unknown>[]

interface Options {
  readonly concurrency?: number
  readonly size?: number
  readonly linger?: number
  readonly begun?: Begun
  readonly handler?: (calls: Calls) => unknown
}

/** Nothing that waits is too much here. */
class Patient extends Pace {
  override excess(): number {
    return 0
  }
}

/** A worker without Redis: what is taken runs, and outcomes are kept. */
function workshop({ concurrency = 1, size = 3, linger = NEVER, begun = new Begun(), handler }: Options = {}) {
  /** Arguments of each batch that ran. */
  const batches: unknown[][] = []
  const plain: unknown[] = []
  const outcomes: Outcome[] = []
  const returned: Held[] = []
  const [clock, pace, deadlines] = [new Clock(), new Patient(concurrency, 0), new Deadlines()]
  const { passed, open: endPlain } = gate()
  const run = (calls: Calls): unknown => {
    batches.push(calls.map(({ args }) => args[0]))
    return handler?.(calls)
  }
  const definition = (name: string, more: Partial<Definition>): [string, Definition] => [
    name,
    { name, handler: () => {}, options: {}, batch: undefined, commits: undefined, ...more },
  ]
  const registry = new Map([
    definition('index', { handler: joinBatch, batch: { size, linger, handler: run } }),
    definition('other', {
      handler: (value: unknown) => {
        plain.push(value)
        return passed
      },
    }),
  ])
  const executing: ExecuteOptions = {
    ...{ registry, clock, deadlines, maxPayload: 1e6, maxResult: 1e6, resultTtl: 1e6, failedTtl: 1e6 },
    ...{ unknownTtl: 0, abortGrace: 50, watch: undefined, isEmpty: () => false },
    onError: (error) => assert.fail(error),
    drive: () => assert.fail('nobody yields'),
    readInputs: () => assert.fail('nobody takes what others gave'),
    updateProgress: async () => {},
    whileWaiting: (held, wait) => holding.whileWaiting(held, wait),
  }
  const holding = new Holding({
    ...{ pace, begun, registry, clock, onLast: () => {}, onRoom: () => {} },
    isSuspect: ({ crashes }) => crashes >= 2,
    onExcess: async (helds) => void returned.push(...helds),
    run: (held) =>
      execute(held, executing, (outcome) => {
        if (held.state !== 'running') return
        outcomes.push(outcome)
        holding.finish(held)
        holding.drop(held)
      }),
  })
  return { holding, batches, plain, outcomes, returned, endPlain, clock }
}

let made = 0
function held(name: string, arg: unknown, more: Partial<Delivery> = {}): Held {
  made += 1
  const call = Buffer.concat([callHead(undefined), encodeCall(name, [arg], {}, 1e6)])
  return new Held({
    ...{ lane: 'normal', entry: `1-${made}`, id: `task-${made}`, call },
    ...{ begunBefore: 0, failures: 0, crashes: 0, expires: undefined, deadline: undefined, inputs: 0 },
    hears: false,
    ...more,
  })
}
const index = (...args: unknown[]): Held[] => args.map((arg) => held('index', arg))
const other = (arg: unknown): Held => held('other', arg)

/** What became of each, in the order in which it did. */
const shown = (outcomes: readonly Outcome[]): unknown[] =>
  outcomes.map(({ state, value }) => {
    if (state === 'succeeded') return value.length > 0 ? decode(value) : undefined
    const { name, message } = decodeError(value) as Error
    return [state, name, message]
  })

describe('a batch', () => {
  test('has one slot: at concurrency 1 it is filled, and asked to be filled', async () => {
    const { passed, open } = gate()
    const { holding, batches, outcomes } = workshop({ handler: () => passed })
    assert.equal(holding.room, 1)
    const [a, b, c] = index(1, 2, 3)
    holding.take([a!])
    await immediate()
    assert.deepEqual([a!.state, holding.active, holding.room], ['gathering', 1, 2])
    holding.take([b!])
    await immediate()
    assert.deepEqual([batches, holding.room], [[], 1])
    holding.take([c!])
    await immediate()
    assert.deepEqual(batches, [[1, 2, 3]])
    assert.deepEqual([a!.state, c!.state, holding.active, holding.room], ['running', 'running', 1, 0])
    assert.deepEqual(outcomes, [], 'nothing is acknowledged before the handler has returned')
    open()
    await holding.idle()
    assert.deepEqual(shown(outcomes), [undefined, undefined, undefined])
    assert.deepEqual([holding.room, holding.keys().size], [1, 0])
  })

  test('is full at `size`; what is over begins the next, if there is a slot', async () => {
    const { passed, open } = gate()
    const { holding, batches } = workshop({ concurrency: 2, size: 2, handler: () => passed })
    holding.take(index(1, 2, 3, 4, 5))
    await immediate()
    assert.deepEqual(batches, [
      [1, 2],
      [3, 4],
    ])
    assert.deepEqual([holding.active, holding.waiting], [2, 1])
    open()
    await immediate()
    assert.deepEqual([holding.active, holding.waiting, holding.room], [1, 0, 2])
    holding.dropGathered()
  })

  test('begins with what is there when the queue runs empty, when its time is over', async () => {
    const empty = workshop()
    empty.holding.take(index(1, 2))
    empty.holding.ranEmpty()
    assert.deepEqual(empty.batches, [[1, 2]])

    const { passed, open } = gate()
    const late = workshop({ linger: 5, handler: () => open() })
    late.holding.take(index(1))
    assert.deepEqual(late.batches, [])
    await passed
    assert.deepEqual(late.batches, [[1]])
  })

  test('of size 1 waits for nobody', async () => {
    const { holding, batches } = workshop({ size: 1 })
    holding.take(index(1, 2))
    await immediate()
    assert.deepEqual(batches, [[1], [2]])
  })

  test('is joined past tasks that wait for a slot, which begin when it has ended', async () => {
    const { holding, batches, plain, endPlain } = workshop()
    holding.take([...index(1), other('x'), ...index(2), other('y')])
    await immediate()
    assert.deepEqual([holding.waiting, holding.room], [2, 0])
    holding.take(index(3))
    await immediate()
    assert.deepEqual(batches, [[1, 2, 3]])
    assert.deepEqual(plain, ['x'])
    endPlain()
    await holding.idle()
    assert.deepEqual(plain, ['x', 'y'])
  })

  test('does not take slots from others: with two, one gathers and one runs', async () => {
    const { holding, plain } = workshop({ concurrency: 2 })
    holding.take([...index(1), other('x'), ...index(2)])
    await immediate()
    assert.deepEqual([plain, holding.active, holding.waiting], [['x'], 2, 0])
    holding.dropGathered()
  })

  test('lends its slot, once, while the handler waits for other tasks', async () => {
    const [first, second] = [gate(), gate()]
    const handler = (): Promise<unknown> =>
      Promise.all([whileWaiting(first.passed), whileWaiting(second.passed)])
    const { holding, plain, endPlain } = workshop({ handler })
    holding.take([...index(1, 2, 3), other('x')])
    await immediate()
    assert.deepEqual([plain, holding.active, holding.running], [['x'], 1, 2])
    first.open()
    await immediate()
    assert.deepEqual([holding.active, holding.running], [1, 2])
    endPlain()
    second.open()
    await holding.idle()
    assert.equal(holding.active, 0)
  })
})

describe('who leaves a batch that gathers', () => {
  test('does not run with it; the last to leave frees the slot', async () => {
    const { holding, batches } = workshop()
    const [a, b] = index(1, 2)
    holding.take([a!, b!])
    holding.drop(a!)
    holding.take(index(3))
    await immediate()
    holding.drop(b!)
    assert.deepEqual([holding.active, batches], [1, []])
    holding.ranEmpty()
    await holding.idle()
    assert.deepEqual([holding.active, batches], [0, [[3]]])
    const [alone] = index(4)
    holding.take([alone!])
    holding.drop(alone!)
    assert.deepEqual([holding.active, holding.room, holding.keys().size], [0, 1, 0])
    holding.take(index(5, 6, 7))
    await immediate()
    assert.deepEqual(batches, [[3], [5, 6, 7]])
  })

  test('whose deadline comes is given back, and the others go on', async () => {
    const { holding, batches, returned, clock } = workshop()
    const late = held('index', 'late', { deadline: clock.now + 5 })
    holding.take([...index(1), late])
    while (returned.length === 0) await immediate()
    assert.deepEqual([returned, late.state], [[late], 'gone'])
    holding.take(index(2, 3))
    await immediate()
    assert.deepEqual(batches, [[1, 2, 3]])
  })

  test('at a stop that is in a hurry all do', () => {
    const { holding, batches } = workshop()
    const all = index(1, 2)
    holding.take(all)
    assert.deepEqual(holding.dropGathered(), all)
    assert.deepEqual([holding.isIdle, holding.keys().size, batches], [true, 0, []])
  })
})

test('a suspect runs alone: a batch that gathers begins before it, and nobody joins it', async () => {
  const { holding, batches } = workshop({ concurrency: 5 })
  holding.take([...index(1), held('index', 'suspect', { crashes: 2 })])
  await immediate()
  assert.deepEqual(batches, [[1], ['suspect']])
  holding.take([held('index', 'again', { crashes: 2 })])
  await immediate()
  assert.deepEqual(batches, [[1], ['suspect'], ['again']])
})

test('while the thread gives back nobody joins', async () => {
  const begun = new Begun()
  const { holding, batches } = workshop({ begun })
  holding.take(index(1))
  assert.ok(begun.stopAt(begun.beginnings))
  holding.take(index(2, 3))
  assert.deepEqual([batches, holding.waiting], [[], 2])
  begun.resume()
  holding.resume()
  await immediate()
  assert.deepEqual(batches, [[1, 2, 3]])
})

describe('outcomes of a batch', () => {
  const outcomesOf = async (handler: (calls: Calls) => unknown): Promise<unknown[]> => {
    const { holding, outcomes } = workshop({ handler })
    holding.take(index('a', 'b', 'c'))
    await holding.idle()
    return shown(outcomes)
  }

  test('are an array, in the order of the calls; an Error in it is that call’s, a promise is awaited', async () => {
    assert.deepEqual(await outcomesOf((calls) => calls.map(({ args }) => `${args[0]}!`)), ['a!', 'b!', 'c!'])
    const mixed = await outcomesOf(async () => [1, new RangeError('no'), Promise.resolve(3)])
    assert.deepEqual(new Set(mixed), new Set([1, ['failed', 'RangeError', 'no'], 3]))
  })

  test('are settled one by one, by the first word on each; what is returned or thrown is for the others', async () => {
    const settle = ([a, b]: Calls): void => {
      a!.succeed('by itself')
      a!.fail(new Error('too late'))
      b!.fail(new TypeError('not this one'))
    }
    const failed = ['failed', 'TypeError', 'not this one']
    assert.deepEqual(await outcomesOf(settle), ['by itself', failed, undefined])
    const returned = (calls: Calls): number[] => {
      settle(calls)
      return [1, 2, 3]
    }
    assert.deepEqual(await outcomesOf(returned), ['by itself', failed, 3])
    const threw = async (calls: Calls): Promise<void> => {
      settle(calls)
      throw new Error('broken')
    }
    assert.deepEqual(await outcomesOf(threw), ['by itself', failed, ['failed', 'Error', 'broken']])
  })

  test('are one error for all where it throws, at once or later', async () => {
    const failed = ['failed', 'Error', 'broken']
    const now = await outcomesOf(() => {
      throw new Error('broken')
    })
    const later = await outcomesOf(async () => {
      await immediate()
      throw new Error('broken')
    })
    assert.deepEqual([now, later], [Array(3).fill(failed), Array(3).fill(failed)])
  })

  for (const [what, given] of [
    ['2 results', [1, 2]],
    ['4 results', [1, 2, 3, 4]],
    ['null', null],
    ['"abc"', 'abc'],
    ['object', new Map()],
  ] as const) {
    test(`fail where it returns ${what} for three calls, and say so`, async () => {
      const [first, ...others] = (await outcomesOf(() => given)) as [string, string, string][]
      assert.deepEqual(first!.slice(0, 2), ['failed', 'BatchResultError'])
      assert.match(first![2], /^the batch handler "index" was given 3 calls and returned /)
      assert.ok(first![2].includes(`returned ${what}; expected an array of 3 results`))
      assert.deepEqual(others, [first, first])
    })
  }
})

describe('a commit', () => {
  const TOOLS: CommitTools = {
    ...{ clock: new Clock(), deadlines: new Deadlines(), isEmpty: () => false },
    whileWaiting: (_, wait) => wait,
  }
  /** every 2; each try waits for its gate, or fails. */
  function committing({
    every = 2,
    linger = NEVER,
    timeout,
  }: Partial<Record<'every' | 'linger' | 'timeout', number>>) {
    const tries: { open: () => void; fail: (error: unknown) => void }[] = []
    const commit = (): Promise<void> =>
      new Promise((open, fail) => {
        tries.push({ open, fail })
      })
    const commits = new Commits({ every, linger, timeout, commit })
    const fates: string[] = []
    const begin = (name: string) => {
      const ticket = commits.begin(TOOLS)
      const end = (): void => {
        const say = (fate: string) => (): void => void fates.push(`${name} ${fate}`)
        ticket.committed(held('row', name), TOOLS).then(say('committed'), (error) => say(error.message)())
      }
      return { end, fail: () => ticket.over() }
    }
    return { commits, tries, fates, begin }
  }

  test('comes after so many that ended well; what fails does not count', async () => {
    const { tries, fates, begin } = committing({})
    const [a, b, c] = [begin('a'), begin('b'), begin('c')]
    a.end()
    b.fail()
    assert.equal(tries.length, 0)
    c.end()
    assert.equal(tries.length, 1)
    await immediate()
    assert.deepEqual(fates, [])
    tries[0]!.open()
    await immediate()
    assert.deepEqual(fates, ['a committed', 'c committed'])
  })

  test('comes sooner when the queue runs empty and none runs, or when its time is over', async () => {
    const { commits, tries, begin } = committing({})
    const [a, b] = [begin('a'), begin('b')]
    a.end()
    commits.look(true)
    assert.equal(tries.length, 0, 'one of them still runs')
    b.fail()
    commits.look(true)
    assert.equal(tries.length, 1)

    const slow = committing({ linger: 5 })
    slow.begin('a').end()
    while (slow.tries.length === 0) await immediate()
    assert.equal(slow.tries.length, 1)
  })

  test('that fails fails all that had begun, those that still run too', async () => {
    const { tries, fates, begin } = committing({})
    const [a, b, runs] = [begin('a'), begin('b'), begin('runs')]
    a.end()
    b.end()
    const beside = begin('beside')
    beside.end()
    tries[0]!.fail(new Error('no'))
    await immediate()
    assert.deepEqual(fates, ['a no', 'b no', 'beside no'])
    const after = begin('after')
    runs.end()
    await immediate()
    assert.deepEqual(fates.slice(3), ['runs no'])
    after.end()
    begin('last').end()
    tries[1]!.open()
    await immediate()
    assert.deepEqual(fates.slice(4), ['after committed', 'last committed'])
  })

  test('is the only one at a time: what ends meanwhile waits for the next', async () => {
    const { commits, tries, fates, begin } = committing({})
    for (const name of ['a', 'b', 'c']) begin(name).end()
    assert.deepEqual([tries.length, commits.isFull], [1, false])
    begin('d').end()
    assert.deepEqual([tries.length, commits.isFull], [1, true])
    tries[0]!.open()
    await immediate()
    assert.deepEqual([tries.length, fates], [2, ['a committed', 'b committed']])
    tries[1]!.open()
    await immediate()
    assert.deepEqual(fates.slice(2), ['c committed', 'd committed'])
  })

  test('that takes longer than the timeout has failed', async () => {
    const { fates, begin } = committing({ every: 1, timeout: 5 })
    begin('a').end()
    while (fates.length === 0) await immediate()
    assert.deepEqual(fates, ['a the attempt did not end within its timeout of 5 ms'])
  })

  test('may throw at once, or throw DoNotRetry', async () => {
    const thrown = new DoNotRetry(new Error('never'))
    const commits = new Commits({
      ...{ every: 1, linger: NEVER, timeout: undefined },
      commit: () => {
        throw thrown
      },
    })
    const committed = commits.begin(TOOLS).committed(held('row', 1), TOOLS)
    await assert.rejects(committed, (error) => error === thrown)
  })
})
