import assert from 'node:assert/strict'
import { test } from 'node:test'
import { overrunOf, Watch, type Watched } from '../../lib/upkeep/watch.ts'

const watched: Watched = {
  ...{ lane: 'high', entry: '1795211923303-5', id: 'a', name: 'resize', client: 'c1', attempt: 2 },
  ...{ why: 'timeout', allowed: 300, state: 'retry', ttl: 50 },
}

/** The main thread's view and the other thread's, of the same memory. */
function both(): { main: Watch; thread: Watch } {
  const main = new Watch()
  return { main, thread: new Watch(main.memory) }
}

/** It began so long ago, and is over in so many ms. */
function begin(main: Watch, left: number, more: Partial<Watched> = {}, ago = 1_000): void {
  const now = performance.now()
  main.begin({ ...watched, ...more }, now - ago, now + left)
}

test('what runs past its limit is overdue, and nothing else', () => {
  const { main, thread } = both()
  assert.equal(thread.overdue, 0, 'nothing runs')
  begin(main, 60_000)
  assert.equal(thread.overdue, 0, 'it has time')
  main.end()
  begin(main, -1)
  assert.ok(thread.overdue > 0)
  main.end()
  assert.equal(thread.overdue, 0, 'it has returned')
})

test('the thread learns all that it records, and how long it ran', () => {
  const { main, thread } = both()
  begin(main, 60_000, { id: 'another', name: 'longer than what comes next' })
  main.end()
  begin(main, -500)
  const { ran, ...rest } = thread.claim(thread.overdue)!
  assert.deepEqual(rest, watched)
  assert.ok(ran >= 1_000 && ran < 60_000, `${ran} ms`)
})

test('what has returned is not claimed, even if another runs past its limit by then', () => {
  const { main, thread } = both()
  begin(main, -1)
  const first = thread.overdue
  main.end()
  assert.equal(thread.claim(first), undefined)
  begin(main, -1)
  assert.notEqual(thread.overdue, first)
  assert.equal(thread.claim(first), undefined)
  assert.ok(thread.claim(thread.overdue))
  assert.equal(thread.overdue, 0, 'it is claimed once')
})

test('a task with an id that we never made is not watched', () => {
  const { main, thread } = both()
  begin(main, -1, { id: 'x'.repeat(3_000) })
  assert.equal(thread.overdue, 0)
  main.end()
  begin(main, -1)
  assert.ok(thread.overdue > 0)
  main.end()
})

test('people read which task it was and which limit, and no control characters', () => {
  assert.equal(overrunOf(watched), 'task a (resize) kept the event loop past its timeout of 300 ms')
  const strange = { ...watched, id: 'a\u001b[31m\nb', why: 'deadline' } as const
  assert.equal(overrunOf(strange), 'task a__31m_b (resize) kept the event loop past its deadline')
})
