/**
 * The judge of calls that belong together has to see what is wrong: a journal that is right passes, and each that is not
 * right in one thing is blamed for that.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Line, Verb } from './journal.ts'
import { type End, judgeTies, overdue, readTies, retriesOf } from './ties.ts'

/** A call with callbacks that threw once; one that failed; a chain whose second step failed, with a callback of the third; a chord; a batch and a row. */
const RIGHT = `
  invoke call succeeded step · tied call t1 · start call 1 · threw call 1 · start call 2 · end call 2
  for yes t1 succeeded · got yes 1 call/2 · start yes 1 · end yes 1 · settled call succeeded call/2
  invoke bad failed step · tied bad t2 · start bad 1 · threw bad 1 · start bad 2 · threw bad 2 · settled bad failed
  for no t2 failed · got no 1 bad/2 · start no 1 · end no 1
  invoke a succeeded step · invoke b failed step · after b a · invoke c failed step · after c b
  tied c t3 · for cut t3 failed · got cut 1 ERR_MILLRACE_DEPENDENCY · start cut 1 · end cut 1
  start a 1 · end a 1 · got b 1 a/1 · start b 1 · threw b 1 · got b 2 a/1 · start b 2 · threw b 2
  invoke x succeeded step · invoke y succeeded batched · invoke z succeeded row · invoke last succeeded step · after last x y z
  start x 1 · end x 1 · start y 1 · start y 2 · end y 2 · start z 1 · end z 1
  got last 1 x/1 y/2 z/1 · start last 1 · end last 1 · settled last succeeded last/1`

const ENDS = {
  ...{ call: 'succeeded 2', yes: 'succeeded 1', bad: 'failed 2', no: 'succeeded 1' },
  ...{ a: 'succeeded 1', b: 'failed 2', c: 'failed 0', cut: 'succeeded 1' },
  ...{ x: 'succeeded 1', y: 'succeeded 2', z: 'succeeded 1', last: 'succeeded 1' },
}

function linesOf(text: string): Line[] {
  return text
    .trim()
    .split(/\s*[·\n]\s*/)
    .map((line, at) => {
      const [verb, id, ...rest] = line.split(' ')
      return { verb: verb as Verb, id: id!, rest, at }
    })
}

const endsOf = (ends: Record<string, string>): Map<string, End> =>
  new Map(
    Object.entries(ends).map(([id, end]) => {
      const [state, attempt] = end.split(' ')
      return [id, { state: state!, attempt: Number(attempt) }]
    }),
  )

/** In the place of an end: there is none. */
const ABSENT = 'absent'

/** What is blamed, and of whom. */
function judged(text: string, ends: Record<string, string> = ENDS, mayLose = false): string[] {
  const lines = linesOf(text)
  return judgeTies(readTies(lines), lines, endsOf(ends), mayLose)
    .filter(([, guilty]) => guilty.length > 0)
    .map(([what, guilty]) => `${what}: ${guilty.join(' ')}`)
}

/** Without its lines that begin so; with others behind it. */
const without = (...beginnings: string[]): string =>
  linesOf(RIGHT)
    .map(({ verb, id, rest }) => [verb, id, ...rest].join(' '))
    .filter((line) => !beginnings.some((beginning) => line.startsWith(beginning)))
    .join('\n')
const and = (more: string): string => `${RIGHT}\n${more}`

test('what is right passes', () => {
  assert.deepEqual(judged(RIGHT), [])
  assert.deepEqual(overdue(readTies(linesOf(RIGHT)), endsOf(ENDS)), [])
})

const WRONG: Record<string, [text: string, blame: string[], ends?: Record<string, string>]> = {
  'a callback of success that does not come': [without('for yes'), ['callbacks have not come: call']],
  'a callback of failure that does not come': [without('for no'), ['callbacks have not come: bad']],
  'a callback that has begun and has no outcome': [
    RIGHT,
    ['callbacks have not come: call'],
    { ...ENDS, yes: ABSENT },
  ],
  'a callback that fails': [RIGHT, ['callbacks did not succeed: yes'], { ...ENDS, yes: 'failed 1' }],
  'a callback of failure, of a task that succeeded': [
    and('for other t1 failed · start other 1'),
    ['callbacks came, and their case had not: other', 'callbacks came as more than one task: call'],
  ],
  'a callback that comes once more, as another task': [
    and('for other t1 succeeded · got other 1 call/2 · start other 1'),
    ['callbacks came as more than one task: call'],
  ],
  'a callback before the outcome': [
    RIGHT,
    [
      'callbacks came, and their case had not: yes',
      'callers were given what another task or attempt gave: call',
    ],
    { ...ENDS, call: ABSENT },
  ],
  'a callback that is given what an attempt gave that does not count': [
    `${without('got yes')}\ngot yes 1 call/1`,
    ['tasks were not given what those before them gave: yes'],
  ],
  'a step that is given what another gave': [
    `${without('got last')}\ngot last 1 x/1 z/1 y/2`,
    ['tasks were not given what those before them gave: last'],
  ],
  'a step that is given too little': [
    `${without('got last')}\ngot last 1 x/1 y/2`,
    ['tasks were not given what those before them gave: last'],
  ],
  'a step that is given nothing': [
    without('got last'),
    ['tasks were not given what those before them gave: last'],
  ],
  'a step behind one that failed': [
    and('got c 1 b/2 · start c 1'),
    ['tasks began although one before them had not succeeded: c'],
  ],
  'a task that succeeds and should not': [
    and('end b 2'),
    [
      'tasks ended otherwise than they should: b',
      'tasks failed by an attempt that threw nothing: c',
      'tasks were not given what those before them gave: cut',
    ],
    { ...ENDS, b: 'succeeded 2' },
  ],
  'a call of a batch that fails with another': [
    RIGHT,
    [
      'tasks ended otherwise than they should: y',
      'tasks began although one before them had not succeeded: last',
    ],
    { ...ENDS, y: 'failed 2' },
  ],
  'a failure that nobody threw': [
    without('threw bad 2'),
    ['tasks failed by an attempt that threw nothing: bad'],
  ],
  'an outcome ahead of its commit': [
    without('end z'),
    ['tasks were recorded as done by an attempt that had not ended: z'],
  ],
  'a caller that is given what another task gave': [
    `${without('settled last')}\nsettled last succeeded x/1`,
    ['callers were given what another task or attempt gave: last'],
  ],
  'a caller that is given what a late attempt gave': [
    `${without('settled call')}\nsettled call succeeded call/1`,
    ['callers were given what another task or attempt gave: call'],
  ],
}

for (const [what, [text, blame, ends = ENDS]] of Object.entries(WRONG)) {
  test(`seen: ${what}`, () => {
    const known = Object.fromEntries(Object.entries(ends).filter(([, end]) => end !== ABSENT))
    assert.deepEqual(judged(text, known).sort(), [...blame].sort())
  })
}

test('where Redis was set back, only what it knows in the end is asked for', () => {
  const { call, ...rest } = ENDS
  assert.match(call, /^succeeded/)
  // The call is lost with what it set off; the chord was given something else before, and then what counts.
  const text = RIGHT.replace('got last 1 x/1 y/2 z/1', 'got last 1 x/1 y/1 z/1 · got last 1 x/1 y/2 z/1')
  assert.deepEqual(judged(text, rest, true), [])
  assert.deepEqual(judged(text, ENDS), ['tasks were not given what those before them gave: last'])
  const wrong = RIGHT.replace('got last 1 x/1 y/2 z/1', 'got last 1 x/1 y/2 z/1 · got last 1 x/1 y/1 z/1')
  assert.deepEqual(judged(wrong, rest, true), ['tasks were not given what those before them gave: last'])
})

test('an attempt that threw, and was not the last, is a retry', () => {
  assert.deepEqual(Object.fromEntries(retriesOf(linesOf(RIGHT), endsOf(ENDS))), { call: 1, bad: 1, b: 1 })
})
