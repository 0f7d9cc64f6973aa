import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TaskFailedError } from '../lib/errors.ts'
import { fingerprint, headline } from '../lib/fingerprint.ts'
import { newTaskId } from '../lib/ids.ts'

/** An error whose stack says nothing about where this spec made it. */
const error = (message: string, name = 'Error', stack = ''): Error =>
  Object.assign(new Error(message), { name, stack })
const print = (message: string): string => fingerprint('task', error(message))
const frames = (...lines: string[]): string =>
  ['Error: no', ...lines.map((line) => `    at ${line}`)].join('\n')
const of = (...lines: string[]): string => fingerprint('task', error('no', 'Error', frames(...lines)))

describe('a message without what varies', () => {
  for (const [what, ...messages] of [
    ['numbers', 'row 17 of 20', 'row 1 of 3', 'row 0xff of 9'],
    ['UUIDs', 'no user 3fa85f64-5717-4562-b3fc-2c963f66afa6', 'no user 00000000-0000-4000-8000-000000000000'],
    ['hex ids', 'commit 8b6f917 is gone', 'commit a392ef2 is gone'],
    ['what is quoted', 'no "a b"', 'no ""', "no 'x'", 'no `y`', 'no "it\'s"'],
    ['names in quotes after an apostrophe', "can't find 'paris'", "can't find 'rome'"],
    ['and after several', "the user's host doesn't know 'a'", "the user's host doesn't know 'b c'"],
    ['white space', 'no  route', 'no route ', 'no\troute'],
    ['further lines', 'no route\nto 17', 'no route\nto host', 'no route'],
    ['what comes after the 300th character', `${'x '.repeat(150)}a`, `${'x '.repeat(150)}b`],
    ['ids of tasks', `task ${newTaskId()} failed: no`, `task ${newTaskId()} failed: no`],
  ] as const) {
    test(`${what}: one print`, () => {
      assert.equal(new Set(messages.map(print)).size, 1, messages.map((m) => headline(error(m))).join(' | '))
    })
  }

  test('what differs otherwise has another print', () => {
    const messages = ['no route', 'no host', 'No route', 'no route to #', '', 'deadbeef', 'feed']
    assert.equal(new Set(messages.map(print)).size, messages.length)
  })
})

describe('the print', () => {
  test('is 12 characters that can be part of a URL, and always the same', () => {
    assert.match(print('no'), /^[\w-]{12}$/)
    assert.equal(print('no'), print('no'))
    // Kept by people and programs: it must not change from one version to the next.
    assert.equal(fingerprint('task', 'no'), fingerprint('task', 'no'))
  })

  test('tells tasks and error names apart', () => {
    const a = fingerprint('a', error('no'))
    assert.notEqual(fingerprint('b', error('no')), a)
    assert.notEqual(fingerprint(undefined, error('no')), a)
    assert.notEqual(fingerprint('a', error('no', 'TypeError')), a)
  })

  test('tells places apart, by function and file, not by line, column or folder', () => {
    const at = of('save (/app/dist/store.js:10:5)')
    assert.equal(of('save (/app/dist/store.js:99:1)'), at)
    assert.equal(of('save (file:///srv/other/store.js:10:5)'), at)
    assert.equal(of('save (C:\\app\\dist\\store.js:10:5)'), at)
    assert.equal(of('save (node:internal/x:1:1)', 'save (/app/dist/store.js:10:5)'), at, 'past those of node')
    assert.equal(
      of('save (/app/dist/store.js:10:5)', 'other (/app/dist/other.js:1:1)'),
      at,
      'the top one only',
    )
    assert.notEqual(of('load (/app/dist/store.js:10:5)'), at)
    assert.notEqual(of('save (/app/dist/other.js:10:5)'), at)
    assert.equal(of('/app/dist/store.js:10:5'), of('file:///app/store.js:2:2'), 'also without a function')
    assert.equal(of('async Promise.all (index 0)'), of('async Promise.all (index 0)'))
    assert.equal(of('x (node:internal/x:1:1)'), of(), 'only frames of node: none')
  })

  test('is the same for the same failure of the same handler, and another for another', () => {
    const fail = (n: number): Error => new Error(`no ${n}`)
    const other = (n: number): Error => new Error(`no ${n}`)
    assert.equal(fingerprint('a', fail(1)), fingerprint('a', fail(2)))
    assert.notEqual(fingerprint('a', fail(1)), fingerprint('a', other(1)))
  })

  test('of a task that failed because another did does not tell one run from the next', () => {
    const nested = (): Error => {
      const id = newTaskId()
      return new TaskFailedError(id, `task ${id} failed: Error: no`, {})
    }
    const prints = Array.from({ length: 200 }, () => fingerprint('a', nested()))
    assert.equal(new Set(prints).size, 1)
  })
})

describe('what is not an error', () => {
  test('has a print and a headline too, whatever it is', () => {
    const odd = [undefined, null, 0, 'text', Symbol('s'), {}, [], new Map(), () => {}, 10n]
    const odder = [Object.create(null), { toString: 1 }, { toString: () => assert.fail('it may throw') }]
    for (const value of [...odd, ...odder]) {
      assert.match(fingerprint('a', value), /^[\w-]{12}$/)
      assert.match(headline(value), /^thrown: /)
    }
    assert.equal(fingerprint('a', 'no 1'), fingerprint('a', 'no 2'))
  })

  test('the headline is for people', () => {
    assert.equal(headline(error('no user 17 in "paris"', 'TypeError')), 'TypeError: no user # in …')
    assert.equal(headline("can't find 'x'"), "thrown: can't find …")
    assert.equal(headline(error('')), 'Error: ')
  })
})
