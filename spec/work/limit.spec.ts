import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Clock } from '../../lib/clock.ts'
import { limitOf } from '../../lib/work/limit.ts'

/** A clock that is an hour ahead, as the server's may be. */
const clock = new Clock()
clock.learn(Date.now() + 3_600_000, Date.now())
const inMs = (ms: number): number => clock.now + ms
const begunAt = performance.now() - 100

test('without timeout and deadline an attempt has all the time that it wants', () => {
  assert.equal(limitOf({ begunAt, deadline: undefined }, undefined, clock), undefined)
})

test('a timeout counts from the beginning of the attempt', () => {
  const limit = { why: 'timeout', allowed: 300, at: begunAt + 300 }
  assert.deepEqual(limitOf({ begunAt, deadline: undefined }, 300, clock), limit)
  assert.deepEqual(limitOf({ begunAt, deadline: inMs(60_000) }, 300, clock), limit)
})

test("a deadline that is over sooner is the limit, by the server's clock", () => {
  for (const timeout of [undefined, 90_000]) {
    const limit = limitOf({ begunAt, deadline: inMs(60_000) }, timeout, clock)!
    assert.equal(limit.why, 'deadline')
    assert.ok(Math.abs(limit.at - performance.now() - 60_000) < 5_000, `at ${limit.at}`)
    assert.ok(limit.allowed > 55_000 && limit.allowed <= 60_000)
  }
})

test('a deadline that has passed already leaves no time', () => {
  const limit = limitOf({ begunAt, deadline: inMs(-5_000) }, 90_000, clock)!
  assert.deepEqual([limit.why, limit.allowed], ['deadline', 0])
  assert.ok(limit.at <= performance.now())
})
