/** What people write and read: times and sizes, mistyped words, tables, values, progress. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { barOf, partOf } from '../../lib/cli/bar.ts'
import { ExitError } from '../../lib/cli/exit.ts'
import { nearest } from '../../lib/cli/near.ts'
import { cut, hasColours, plain, showValue, table, toJson, widthOf } from '../../lib/cli/output.ts'
import { parseSize, parseTime, parseWhole, showTime } from '../../lib/cli/units.ts'

describe('times and sizes', () => {
  test('are read with and without a unit', () => {
    const times = ['250', '250ms', '1.5s', '2m', '3h', '1d', '2 S'].map((text) => parseTime('t', text))
    assert.deepEqual(times, [250, 250, 1_500, 120_000, 10_800_000, 86_400_000, 2_000])
    const sizes = ['100', '1kb', '1.5mb', '2GB', '3m'].map((text) => parseSize('s', text))
    assert.deepEqual(sizes, [100, 1_024, 1_572_864, 2 * 1024 ** 3, 3 * 1024 ** 2])
  })

  test('that are none are refused with what was expected', () => {
    for (const text of ['', 'x', '-1', '5 apples', '1e3', 's'])
      assert.throws(
        () => parseTime('--timeout', text),
        /^ExitError: --timeout: expected a number with one of ms, s/,
      )
    for (const text of ['', '1.5', '-1', '0', 'x', '1e99'])
      assert.throws(() => parseWhole('--max-tasks', text), ExitError)
    assert.equal(parseWhole('--min', '0', 0), 0)
  })

  test('are shown in at most two units', () => {
    const shown = [-5, 0, 999, 1_500, 12_000, 60_000, 95_000, 3_600_000, 3_660_000, 90_000_000].map(showTime)
    const expected = [
      '0 ms',
      '0 ms',
      '999 ms',
      '1.5 s',
      '12 s',
      '1 min',
      '1 min 35 s',
      '1 h',
      '1 h 1 min',
      '1 d 1 h',
    ]
    assert.deepEqual(shown, expected)
  })
})

test('a mistyped word finds the near one, and no far one', () => {
  const known = ['fib', 'send-mail', 'index', 'cleanup']
  const pairs = [
    ['fbi', 'fib'],
    ['Fib', 'fib'],
    ['sendmail', 'send-mail'],
    ['indx', 'index'],
    ['claenup', 'cleanup'],
    ['xyz', undefined],
    ['report', undefined],
  ] as const
  for (const [word, expected] of pairs) assert.equal(nearest(word, known), expected, word)
  assert.equal(nearest('a', []), undefined)
})

describe('a table', () => {
  test('has columns as wide as needed, and numbers to the right', () => {
    const text = table(
      ['name', 'count', 'what'],
      [
        ['a', 5, 'x'],
        ['longer', 1_000, ''],
      ],
    )
    assert.equal(text, 'name    count  what\na           5  x\nlonger   1000')
  })

  test('is not misled by colours', () => {
    const red = '\u{1b}[31mred\u{1b}[39m'
    assert.equal(widthOf(red), 3)
    assert.equal(table(['c', 'd'], [[red, 'x']]), `c    d\n${red}  x`)
  })
})

describe('values', () => {
  test('as JSON lose nothing that JSON has', () => {
    const value = {
      big: 2n ** 70n,
      when: new Date(0),
      map: new Map([['a', 1n]]),
      set: new Set([1]),
      bytes: Buffer.from('hi'),
    }
    assert.equal(
      toJson(value),
      '{"big":"1180591620717411303424","when":"1970-01-01T00:00:00.000Z","map":{"a":"1"},"set":[1],"bytes":"aGk="}',
    )
    assert.equal(toJson(undefined), 'null')
    assert.equal(toJson(Buffer.from('hi')), '"aGk="')
    assert.equal(toJson(new TypeError('no')), '{"name":"TypeError","message":"no"}')
  })

  test('for people: text as it is, numbers of any size, and nothing that steers the terminal', () => {
    assert.equal(showValue('a\nb'), 'a\nb')
    assert.equal(showValue(2n ** 70n), '1180591620717411303424')
    assert.equal(showValue('\u{1b}[2Jgone\r'), '\u{fffd}[2Jgone\u{fffd}')
    assert.equal(plain('\u{9b}31m'), '\u{fffd}31m')
    assert.ok(!showValue({ text: '\u{1b}[2J' }).includes('\u{1b}'))
    assert.equal(cut('abcdef', 4), 'abc…')
    assert.equal(cut('abc', 4), 'abc')
  })

  test('have colours where a terminal shows them and nobody minds', () => {
    const terminal = { isTTY: true }
    assert.equal(hasColours(terminal, {}), true)
    assert.equal(hasColours({}, {}), false)
    assert.equal(hasColours(terminal, { NO_COLOR: '1' }), false)
    assert.equal(hasColours(terminal, { TERM: 'dumb' }), false)
    assert.equal(hasColours({}, { FORCE_COLOR: '1' }), true)
    assert.equal(hasColours(terminal, { FORCE_COLOR: '0' }), false)
  })
})

test('progress is a part where the value says so', () => {
  const values = [0.5, 1, 50, 100, { done: 3, total: 4 }, { current: 1, total: 2 }]
  assert.deepEqual(values.map(partOf), [0.5, 1, 0.5, 1, 0.75, 0.5])
  for (const value of ['half', -1, 101, null, {}, { done: 5, total: 4 }, { done: 1, total: 0 }, [1, 2]])
    assert.equal(partOf(value), undefined, JSON.stringify(value))
  assert.equal(barOf(0.5, 10), '█████░░░░░  50 %')
  assert.equal(barOf(0, 4), '░░░░   0 %')
  assert.equal(barOf(1, 4), '████ 100 %')
})
