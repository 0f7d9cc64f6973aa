import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { Loop, type LoopOptions } from '../../lib/upkeep/loop.ts'

/** What is waiting in promises runs before this goes on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A loop whose rounds end when the spec says so, on timers that the spec moves, without jitter. */
function loopOf(t: TestContext, more: Partial<LoopOptions> = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  t.mock.method(Math, 'random', () => 0.5)
  const ends: { resolve: (wait: number) => void; reject: (error: unknown) => void }[] = []
  const state = { begun: 0, running: 0, most: 0, errors: [] as unknown[] }
  const loop = new Loop({
    pause: 100,
    onError: (error) => state.errors.push(error),
    round: async () => {
      state.begun += 1
      state.running += 1
      state.most = Math.max(state.most, state.running)
      try {
        return await new Promise<number>((resolve, reject) => ends.push({ resolve, reject }))
      } finally {
        state.running -= 1
      }
    },
    ...more,
  })
  return {
    loop,
    state,
    async pass(ms: number) {
      t.mock.timers.tick(ms)
      await settled()
    },
    async endRound(wait: number) {
      ends.shift()!.resolve(wait)
      await settled()
    },
    async failRound(error: unknown) {
      ends.shift()!.reject(error)
      await settled()
    },
  }
}

describe('a loop', () => {
  test('begins its first round after the pause, and each next one after the time that the last one named', async (t) => {
    const { loop, state, pass, endRound } = loopOf(t)
    loop.start()
    await pass(99)
    assert.equal(state.begun, 0)
    await pass(1)
    assert.equal(state.begun, 1)
    await endRound(500)
    await pass(499)
    assert.equal(state.begun, 1)
    await pass(1)
    assert.equal(state.begun, 2)
    await endRound(0)
    await pass(1)
    assert.equal(state.begun, 3)
  })

  test('does nothing before it is started', async (t) => {
    const { loop, state, pass } = loopOf(t)
    loop.kick()
    await pass(10_000)
    assert.equal(state.begun, 0)
    await loop.stop()
    await loop.stop()
  })

  test('started twice runs once', async (t) => {
    const { loop, state, pass, endRound } = loopOf(t)
    loop.start()
    await pass(60)
    loop.start()
    await pass(40)
    assert.equal(state.begun, 1, 'the second start moves nothing')
    loop.start()
    await endRound(100)
    await pass(100)
    assert.deepEqual([state.begun, state.most], [2, 1])
  })

  test('stopped begins no round any more, and can be started again', async (t) => {
    const { loop, state, pass, endRound } = loopOf(t)
    loop.start()
    await loop.stop()
    await loop.stop()
    loop.kick()
    await pass(10_000)
    assert.equal(state.begun, 0)
    loop.start()
    await pass(100)
    assert.equal(state.begun, 1)
    const stopped = loop.stop()
    await endRound(0)
    await stopped
    await pass(10_000)
    assert.equal(state.begun, 1)
  })

  test('waits, when it is stopped, for the round that is under way', async (t) => {
    const { loop, pass, endRound } = loopOf(t)
    loop.start()
    await pass(100)
    let stopped = 0
    const both = [loop.stop(), loop.stop()].map((stop) => stop.then(() => stopped++))
    await settled()
    assert.equal(stopped, 0)
    await endRound(1)
    assert.equal(stopped, 2)
    await Promise.all(both)
  })

  test('never runs two rounds at once, also when it is stopped and started during one', async (t) => {
    const { loop, state, pass, endRound } = loopOf(t)
    loop.start()
    await pass(100)
    const stopped = loop.stop()
    loop.start()
    loop.kick()
    await pass(10_000)
    assert.deepEqual([state.begun, state.most], [1, 1])
    await endRound(100)
    await stopped
    // The start was not forgotten.
    await pass(100)
    assert.deepEqual([state.begun, state.most], [2, 1])
    await endRound(100)
    await pass(100)
    assert.deepEqual([state.begun, state.most], [3, 1])
  })

  test('tells onError of a round that fails, and goes on after the pause', async (t) => {
    const { loop, state, pass, failRound, endRound } = loopOf(t)
    loop.start()
    await pass(100)
    const error = new Error('on purpose')
    await failRound(error)
    assert.deepEqual(state.errors, [error])
    await pass(99)
    assert.equal(state.begun, 1)
    await pass(1)
    assert.equal(state.begun, 2)
    await endRound(0)
    const stopped = loop.stop()
    await stopped
  })

  test('survives a round that throws at once, and takes one that answers at once', async (t) => {
    let rounds = 0
    const { loop, state, pass } = loopOf(t, {
      round: () => {
        rounds += 1
        if (rounds === 1) throw new Error('at once')
        return 50
      },
    })
    loop.start()
    await pass(100)
    assert.equal(state.errors.length, 1)
    await pass(100)
    await pass(50)
    assert.equal(rounds, 3)
    await loop.stop()
  })

  test('kicked while it waits runs now, and then keeps its time', async (t) => {
    const { loop, state, pass, endRound } = loopOf(t)
    loop.start()
    loop.kick()
    loop.kick()
    await pass(1)
    assert.equal(state.begun, 1)
    await endRound(500)
    await pass(499)
    assert.equal(state.begun, 1)
    await pass(1)
    assert.equal(state.begun, 2)
  })

  test('kicked during a round runs once more directly after it', async (t) => {
    const { loop, state, pass, endRound } = loopOf(t)
    loop.start()
    await pass(100)
    loop.kick()
    loop.kick()
    await pass(10_000)
    assert.equal(state.begun, 1)
    await endRound(500)
    await pass(1)
    assert.deepEqual([state.begun, state.most], [2, 1])
    await endRound(500)
    await pass(499)
    assert.equal(state.begun, 2, 'one kick is one more round')
  })

  test('kicked and then stopped during a round forgets the kick', async (t) => {
    const { loop, state, pass, endRound } = loopOf(t)
    loop.start()
    await pass(100)
    loop.kick()
    const stopped = loop.stop()
    await endRound(500)
    await stopped
    loop.start()
    await pass(100)
    assert.equal(state.begun, 2)
    await endRound(500)
    await pass(499)
    assert.equal(state.begun, 2)
  })

  test('spreads its times by a tenth, so that loops that start together drift apart', async (t) => {
    const { loop, state, pass, endRound } = loopOf(t)
    for (const [random, wait] of [
      [0, 90],
      [0.999, 109],
    ] as const) {
      t.mock.method(Math, 'random', () => random)
      loop.start()
      const begun = state.begun
      await pass(wait - 1)
      assert.equal(state.begun, begun)
      await pass(2)
      assert.equal(state.begun, begun + 1)
      const stopped = loop.stop()
      await endRound(100)
      await stopped
    }
  })

  test('leaves no timer behind when it is stopped', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    const loop = new Loop({ pause: 60_000, onError: () => assert.fail(), round: () => 60_000 })
    loop.start()
    assert.equal(timers(), before + 1)
    loop.kick()
    assert.equal(timers(), before + 1)
    await loop.stop()
    assert.equal(timers(), before)
  })
})
