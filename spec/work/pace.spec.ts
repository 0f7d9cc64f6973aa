import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Pace } from '../../lib/work/pace.ts'

/** A worker that has run many tasks of this kind. */
function paceOf(
  task: { loop: number; slot: number; bytes?: number },
  { concurrency = 10, prefetch = 512 } = {},
): Pace {
  const pace = new Pace(concurrency, prefetch)
  for (let i = 0; i < 200; i++) {
    pace.returned(task.loop, task.bytes ?? 50)
    pace.ended(task.slot)
  }
  return pace
}

describe('a worker may hold', () => {
  test('its slots and nothing ahead, before it knows its tasks', () => {
    const pace = new Pace(10, 512)
    assert.equal(pace.room(0, 0), 10)
    assert.equal(pace.room(4, 3), 3)
    assert.equal(pace.room(10, 5), 0)
  })

  test('as many short tasks as it may fetch ahead', () => {
    const pace = paceOf({ loop: 0.005, slot: 0.005 })
    assert.equal(pace.room(0, 0), 10 + 512)
    assert.equal(pace.room(10, 500), 12)
  })

  test('none ahead when tasks keep their slots for long', () => {
    assert.equal(paceOf({ loop: 0.01, slot: 1_000 }).room(10, 0), 0)
    assert.equal(paceOf({ loop: 0.01, slot: 1_000 }).room(3, 0), 7)
  })

  test('what its slots get through in 5 ms, between the two', () => {
    assert.equal(paceOf({ loop: 0.01, slot: 10 }, { concurrency: 100 }).room(100, 0), 50)
    assert.equal(paceOf({ loop: 0.01, slot: 1 }, { concurrency: 1 }).room(1, 0), 5)
  })

  test('one at a time of those that block the event loop, whatever it has slots for', () => {
    const pace = paceOf({ loop: 100, slot: 100 }, { concurrency: 50 })
    assert.deepEqual([pace.room(0, 0), pace.room(0, 1), pace.excess(1), pace.excess(20)], [1, 0, 0, 19])
  })

  test('and fetch more while the last runs, if that takes as long as a turn and they do not wait long for it', () => {
    const overlapping = [0.05, 0.5, 1, 2.5, 2.6, 100].filter(
      (ms) => paceOf({ loop: ms, slot: ms }).shouldOverlap,
    )
    assert.deepEqual(overlapping, [0.5, 1, 2.5])
    assert.equal(new Pace(10, 512).shouldOverlap, false)
  })

  test('nothing ahead with prefetch 0', () => {
    assert.equal(paceOf({ loop: 0.005, slot: 0.005 }, { prefetch: 0 }).room(10, 0), 0)
  })

  test('a few megabytes ahead, if arguments are large', () => {
    assert.equal(paceOf({ loop: 0.005, slot: 0.005, bytes: 1024 * 1024 }).room(10, 0), 4)
  })
})

describe('it learns', () => {
  test('at once that tasks have become slow, and bit by bit that they are fast again', () => {
    const pace = paceOf({ loop: 0.005, slot: 0.005 })
    pace.returned(200, 50)
    assert.equal(pace.room(0, 0), 1)
    for (let i = 0; i < 10; i++) pace.returned(0.005, 50)
    assert.equal(pace.room(0, 0), 1)
    for (let i = 0; i < 100; i++) pace.returned(0.005, 50)
    assert.ok(pace.room(0, 0) > 400)
  })

  test('by a second slow one soon after the first that some of what waits is to be given back: one was perhaps a pause', () => {
    const pace = paceOf({ loop: 0.005, slot: 0.005 })
    const excessAfter = (ms: number, quick = 0): number => {
      pace.returned(ms, 50)
      for (let i = 0; i < quick; i++) pace.returned(0.005, 50)
      return pace.excess(250)
    }
    assert.deepEqual([excessAfter(200, 4), excessAfter(200, 4), excessAfter(200)], [0, 0, 0])
    assert.deepEqual([excessAfter(0.005, 2), excessAfter(200)], [0, 249])
    const fresh = new Pace(10, 512)
    fresh.returned(200, 50)
    assert.equal(fresh.excess(9), 0)
  })

  test('when tasks stood still here, and fetches ahead again once some have ended in good time', () => {
    const pace = paceOf({ loop: 0.005, slot: 0.005 })
    pace.stood()
    assert.equal(pace.room(10, 0), 0)
    for (let i = 0; i < 100; i++) pace.ended(0.005)
    assert.ok(pace.room(10, 0) > 100)
  })
})
