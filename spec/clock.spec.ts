/** What is known of the server's clock, by answers that come at once and by such that wait. */

import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { Clock } from '../lib/clock.ts'

const START = 1_700_000_000_000

/** Answers of a server whose clock is ahead by `ahead`: it reads it `there` ms after the question, and it comes `back` ms later. */
function scene() {
  mock.timers.reset()
  mock.timers.enable({ apis: ['Date'], now: START })
  const clock = new Clock()
  const ask = (ahead: number, there: number, back: number): void => {
    const askedAt = Date.now()
    mock.timers.tick(there)
    const now = Date.now() + ahead
    mock.timers.tick(back)
    clock.learn(now, askedAt)
  }
  return { clock, ask, ahead: () => clock.now - Date.now() }
}

test('before the first answer it is ours, and nothing is known', () => {
  const { clock, ahead } = scene()
  assert.deepEqual([ahead(), clock.doubt], [0, Number.POSITIVE_INFINITY])
})

test('an answer at once says it to the millisecond', () => {
  const { clock, ask, ahead } = scene()
  ask(5_000, 0, 0)
  assert.deepEqual([ahead(), clock.doubt], [5_000, 1])
})

test('one that waited, on its way there or back, is wrong by half of that at most, and says so', () => {
  for (const [there, back] of [
    [400, 0],
    [0, 400],
    [200, 200],
  ] as const) {
    const { clock, ask, ahead } = scene()
    ask(-5_000, there, back)
    assert.equal(clock.doubt, 201)
    assert.ok(Math.abs(ahead() + 5_000) <= 201, String(ahead()))
  }
})

test('one that waited takes nothing back of what another has said, whichever comes first', () => {
  for (const order of ['late first', 'late last']) {
    const { clock, ask, ahead } = scene()
    if (order === 'late first') ask(5_000, 0, 3_000)
    ask(5_000, 1, 1)
    if (order === 'late last') ask(5_000, 2_000, 1_000)
    assert.equal(ahead(), 5_000, order)
    assert.ok(clock.doubt <= 2, order)
  }
})

test('two that waited on opposite ways bound it together', () => {
  const { clock, ask, ahead } = scene()
  ask(5_000, 0, 3_000)
  ask(5_000, 3_000, 0)
  assert.deepEqual([ahead(), clock.doubt], [5_000, 1])
})

test('a clock that was set is followed, ahead and back', () => {
  const { ask, ahead } = scene()
  for (const set of [5_000, 60_000, -60_000, 0]) {
    ask(set, 0, 0)
    assert.equal(ahead(), set)
  }
})

test('ours that is set back under way says nothing', () => {
  const { clock, ask, ahead } = scene()
  ask(5_000, 0, 0)
  clock.learn(Date.now() + 5_000, Date.now() + 60_000)
  assert.equal(ahead(), 5_000)
})
