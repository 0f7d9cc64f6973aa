import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Begun } from '../../lib/upkeep/begun.ts'

/** The main thread's view and the other thread's, of the same memory. */
function both(): { main: Begun; thread: Begun } {
  const main = new Begun()
  return { main, thread: new Begun(main.memory) }
}

test('the thread sees what has begun, lane by lane', () => {
  const { main, thread } = both()
  main.begin('normal', '1795211923303-5')
  main.begin('first', '1795211923400-0')
  for (const entry of ['1795211923303-5', '1795211923303-4', '1795211923302-9999']) {
    assert.ok(thread.hasBegun('normal', entry), entry)
  }
  for (const entry of ['1795211923303-6', '1795211923303-10', '1795211923304-0']) {
    assert.ok(!thread.hasBegun('normal', entry), entry)
  }
  assert.ok(thread.hasBegun('first', '1795211923399-7'))
  assert.ok(!thread.hasBegun('low', '1-0'))
})

test('an entry that begins out of turn does not take back what has begun', () => {
  const { main, thread } = both()
  main.begin('normal', '20-3')
  main.begin('normal', '10-9')
  main.begin('normal', '20-1')
  assert.ok(thread.hasBegun('normal', '20-3'))
})

test('the thread stops the main loop only if that has begun nothing since', () => {
  const { main, thread } = both()
  const before = thread.beginnings
  main.begin('normal', '1-0')
  assert.equal(thread.stopAt(before), false)
  assert.equal(main.begin('normal', '2-0'), true, 'a failed stop stops nothing')
  assert.equal(thread.stopAt(thread.beginnings), true)
  assert.equal(main.begin('normal', '3-0'), false)
  assert.ok(!thread.hasBegun('normal', '3-0'), 'what was refused has not begun')
  main.resume()
  assert.equal(main.begin('normal', '3-0'), true)
})

test('it is stopped once at a time', () => {
  const { main, thread } = both()
  assert.equal(thread.stopAt(0), true)
  assert.equal(thread.stopAt(0), false)
  main.resume()
  assert.equal(thread.stopAt(0), true)
})

test('while a beginning is counted and not marked the thread gives back nothing', ({ mock }) => {
  const { main, thread } = both()
  const { load } = Atomics
  const stops: boolean[] = []
  // As if the main thread lost its processor each time that it looks whether the thread gives back.
  const look = mock.method(Atomics, 'load', (ints: Int32Array, at: number) => {
    const seen = load(ints, at)
    look.mock.restore()
    const isStopped = thread.stopAt(thread.beginnings)
    stops.push(isStopped && !thread.hasBegun('normal', '1-0'))
    if (isStopped) thread.resume()
    return seen
  })
  assert.equal(main.begin('normal', '1-0'), true)
  assert.deepEqual(stops, [false])
  assert.ok(thread.hasBegun('normal', '1-0'))
  assert.equal(thread.stopAt(thread.beginnings), true, 'and gives back again when it is')
})
