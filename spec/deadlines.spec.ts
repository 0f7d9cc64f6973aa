import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Deadlines } from '../lib/deadlines.ts'

/** A clock that only this spec moves: timers and performance.now() together. */
function clock(t: TestContext): { pass(ms: number): void } {
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  return {
    pass(ms) {
      now += ms
      t.mock.timers.tick(ms)
    },
  }
}

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

describe('deadlines', () => {
  test('expire once, when their time has come and not before', (t) => {
    const time = clock(t)
    const deadlines = new Deadlines()
    const expired: string[] = []
    deadlines.add(100, () => expired.push('a'))
    time.pass(99)
    assert.deepEqual(expired, [])
    time.pass(1)
    assert.deepEqual(expired, ['a'])
    time.pass(1000)
    assert.deepEqual(expired, ['a'])
  })

  test('of the same length expire in the order in which they were set', (t) => {
    const time = clock(t)
    const deadlines = new Deadlines()
    const expired: number[] = []
    for (let i = 0; i < 5; i++) {
      deadlines.add(100, () => expired.push(i))
      time.pass(10)
    }
    time.pass(50)
    assert.deepEqual(expired, [0])
    time.pass(10)
    assert.deepEqual(expired, [0, 1])
    time.pass(1000)
    assert.deepEqual(expired, [0, 1, 2, 3, 4])
  })

  test('of different lengths expire by their times, whatever the order in which they were set', (t) => {
    const time = clock(t)
    const deadlines = new Deadlines()
    const expired: [length: number, after: number][] = []
    let after = 0
    for (const length of [300, 50, 1000, 100, 1, 51])
      deadlines.add(length, () => expired.push([length, after]))
    for (after = 1; after <= 1000; after++) time.pass(1)
    const inTime = [1, 50, 51, 100, 300, 1000].map((length) => [length, length])
    assert.deepEqual(expired, inTime)
  })

  test('that are removed never expire; removing is safe twice, and after the end', (t) => {
    const time = clock(t)
    const deadlines = new Deadlines()
    const expired: string[] = []
    const removed = deadlines.add(100, () => expired.push('removed'))
    const kept = deadlines.add(100, () => expired.push('kept'))
    deadlines.remove(removed)
    deadlines.remove(removed)
    time.pass(100)
    assert.deepEqual(expired, ['kept'])
    const later = deadlines.add(100, () => expired.push('later'))
    deadlines.remove(kept)
    deadlines.remove(removed)
    time.pass(100)
    assert.deepEqual(expired, ['kept', 'later'])
    deadlines.remove(later)
  })

  test('removed by another that expires in the same moment do not expire any more', (t) => {
    const time = clock(t)
    const deadlines = new Deadlines()
    const expired: string[] = []
    deadlines.add(100, () => {
      expired.push('first')
      deadlines.remove(second)
      deadlines.remove(elsewhere)
    })
    const second = deadlines.add(100, () => expired.push('second'))
    const elsewhere = deadlines.add(99, () => expired.push('elsewhere'))
    deadlines.add(100, () => expired.push('last'))
    time.pass(100)
    assert.deepEqual(expired, ['first', 'last'])
  })

  test('may be set again from one that expires, of the same length or another', (t) => {
    const time = clock(t)
    const deadlines = new Deadlines()
    let rounds = 0
    const again = (): void => {
      rounds += 1
      deadlines.add(100, again)
    }
    again()
    const expired: string[] = []
    deadlines.add(100, () => deadlines.add(30, () => expired.push('30 after')))
    for (let i = 1; i <= 10; i++) time.pass(100)
    assert.equal(rounds, 11)
    assert.deepEqual(expired, ['30 after'])
  })

  test('farther away than a timer can count are kept', (t) => {
    const time = clock(t)
    const set = t.mock.method(globalThis, 'setTimeout')
    const deadlines = new Deadlines()
    let expired = 0
    deadlines.add(2 ** 31 + 5000, () => expired++)
    time.pass(2 ** 31 - 1)
    assert.equal(expired, 0)
    time.pass(5000)
    assert.equal(expired, 0)
    time.pass(1)
    assert.equal(expired, 1)
    for (const call of set.mock.calls) assert.ok(Number(call.arguments[1]) < 2 ** 31)
  })

  test('need one timer, however many they are', () => {
    const before = timers()
    const deadlines = new Deadlines()
    const all = Array.from({ length: 1000 }, (_, i) => deadlines.add(60_000 + (i % 10), assert.fail))
    assert.equal(timers(), before + 1)
    for (const deadline of all) deadlines.remove(deadline)
  })

  test('keep nothing alive once all of them are gone', (t) => {
    const before = timers()
    const deadlines = new Deadlines()
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ]) {
      const all = [60_000, 50_000, 60_000].map((length) => deadlines.add(length, assert.fail))
      for (const index of order) {
        assert.equal(timers(), before + 1)
        deadlines.remove(all[index]!)
      }
      assert.equal(timers(), before)
    }
    const time = clock(t)
    const mocked = new Deadlines()
    const cleared = t.mock.method(globalThis, 'setTimeout')
    mocked.add(10, () => {})
    time.pass(10)
    time.pass(100_000)
    assert.equal(cleared.mock.callCount(), 1, 'no timer after the last one has expired')
  })

  test('of lengths that never come again leave nothing behind', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const deadlines = new Deadlines()
    const grownBy = (lengths: number, from: number): number => {
      collect()
      const before = process.memoryUsage().heapUsed
      for (let i = 0; i < lengths; i++) deadlines.remove(deadlines.add(from + i, assert.fail))
      collect()
      return process.memoryUsage().heapUsed - before
    }
    grownBy(1_000, 1_000_000)
    const bytes = grownBy(100_000, 2_000_000)
    assert.ok(bytes < 20 * 100_000, `${bytes} bytes are left of 100,000 deadlines`)
  })
})
