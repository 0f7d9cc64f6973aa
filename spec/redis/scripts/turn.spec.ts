/** turn: each outcome is written once, under the token of the task alone; new work comes lane by lane. */

import { it } from 'node:test'
import { type FrameItem, frame } from '../../../lib/redis/frame.ts'
import type { OutcomeState } from '../../../lib/redis/wire.ts'
import { callOf, hash, lane, short, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'
import type { Seed } from '../../support/seed.ts'

const MAX_CALL = 1_000
const MAX_FAILED = 3

const turn = (worker: string, want: number, ...outcomes: FrameItem[]): FrameItem[] => [
  ...[worker, want, MAX_CALL, MAX_FAILED, 120_000],
  ...outcomes,
]

interface Brought {
  lane?: string
  entry?: string
  state?: OutcomeState
  attempt?: number
  ttl?: number
  ran?: number
  value?: string
  call?: string
  client?: string
}
/** Of a task that was seeded first, unless `lane` and `entry` say otherwise; in a group of its own. */
const outcome = (id: string, o: Brought = {}): FrameItem[] => [
  ...[o.lane ?? 'normal', o.state ?? 'succeeded', o.attempt ?? 1, o.ttl ?? 60_000],
  ...[id, o.entry ?? '1-0', o.ran ?? 7, o.value ?? `value of ${id}`, o.call ?? 'kept', o.client ?? ''],
]
/** Outcomes that have lane, state, attempt and retention in common, as one group. */
const together = (...outcomes: FrameItem[][]): FrameItem => [
  ...outcomes[0]!.slice(0, 4),
  ...outcomes.flatMap((one) => one.slice(4)),
]

/** The record of a task that was seeded as running by w1, and has ended. */
const ended = (fields: Record<string, string> = {}, ttl = '60 s') =>
  hash({ entry: '1-0', end: 's 1 7 <now> w1', call: 'kept', ...fields }, ttl)
const failed = (fields: Record<string, string> = {}) => ended({ end: 'f 1 7 <now> w1', ...fields })
const goingSoon = hash(
  { entry: '9-0', end: 'f 1 100 200 w1', call: callOf('x'), error: 'error of x' },
  '30 s',
)

/** A group was made anew: what its streams hold may have ended. */
const inDoubt = (s: Seed) => s.command('HSET', 'P:settings', 'again', '1')

const nothing = lane('1-0', {}, { w1: [] })
const kib64 = 'x'.repeat(65_536)
const six = ['a', 'b', 'c', 'd', 'e', 'f']

const outcomes: Row[] = [
  {
    name: 'a result is written and its entry leaves the stream; sent again it is done already',
    seed: (s) => s.running('a', 'w1'),
    args: turn('w1', 0, outcome('a')),
    answer: ['d'],
    keyspace: { 'task:a': ended({ result: 'value of a' }), 'stream:normal': nothing },
    again: { answer: ['a'] },
  },
  {
    name: 'the outcome of a task that has ended under its token is done already: nothing is written, nobody told',
    seed: (s) =>
      s
        .ended('a', 'succeeded', 'value of a', { clients: 'c2' })
        .ended('b', 'failed', 'error of b', { entry: 'high/8-0' }),
    args: turn(
      ...(['w1', 0] as const),
      outcome('a', { entry: '9-0', value: 'another value', client: 'c1' }),
      outcome('b', { lane: 'high', entry: '8-0', state: 'failed', client: 'c1' }),
    ),
    answer: ['aa'],
  },
  {
    name: 'a failure joins the dead letters, and its record keeps the whole call of the entry',
    seed: (s) => s.running('a', 'w1', { client: 'c1' }),
    args: turn('w1', 0, outcome('a', { state: 'failed', call: '' })),
    answer: ['d'],
    keyspace: {
      'task:a': failed({ error: 'value of a', call: callOf('a', 'c1') }),
      'stream:normal': nothing,
      failed: zset({ a: '<now>' }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'an outcome without a value is one: its record has no field for it, and the client is told',
    seed: (s) => s.running('a', 'w1').running('b', 'w1'),
    args: turn(
      ...(['w1', 0] as const),
      outcome('a', { value: '', client: 'c1' }),
      outcome('b', { entry: '2-0', state: 'failed', value: '' }),
    ),
    answer: ['dd'],
    published: { c1: [['a', 'succeeded', '']] },
    keyspace: {
      'task:a': ended(),
      'task:b': failed({ entry: '2-0' }),
      'stream:normal': lane('2-0', {}, { w1: [] }),
      failed: zset({ b: '<now>' }),
    },
    again: { answer: ['aa'] },
  },
  {
    name: 'outcomes that have lane, state, attempt and retention in common go as one, each with its own time',
    seed: (s) =>
      s
        .running('a', 'w1', { lane: 'first', record: { attempt: '1', created: '50', crashes: '1' } })
        .running('b', 'w1', { lane: 'first', record: { attempt: '1', created: '60' } })
        .running('c', 'w1'),
    args: turn(
      ...(['w1', 0] as const),
      together(
        outcome('a', { lane: 'first', attempt: 2, ttl: 120_000, ran: 0 }),
        outcome('b', { lane: 'first', entry: '2-0', ran: 90_000 }),
      ),
      outcome('c', { entry: '3-0' }),
    ),
    answer: ['ddd'],
    keyspace: {
      'task:a': ended(
        {
          ...{ entry: 'first/1-0', end: 's 2 0 <now> w1', result: 'value of a' },
          ...{ attempt: '1', created: '50', crashes: '1' },
        },
        '120 s',
      ),
      'task:b': ended(
        {
          ...{ entry: 'first/2-0', end: 's 2 90000 <now> w1', result: 'value of b' },
          ...{ attempt: '1', created: '60' },
        },
        '120 s',
      ),
      'task:c': ended({ entry: '3-0', result: 'value of c' }),
      'stream:first': lane('2-0', {}, { w1: [] }),
      'stream:normal': lane('3-0', {}, { w1: [] }),
    },
    again: { answer: ['aaa'] },
  },
  {
    name: 'of two outcomes under one token the first stands',
    seed: (s) => s.running('a', 'w1'),
    args: turn('w1', 0, outcome('a'), outcome('a', { state: 'failed', value: 'late' })),
    answer: ['df'],
    keyspace: { 'task:a': ended({ result: 'value of a' }), 'stream:normal': nothing },
    again: { answer: ['af'] },
  },
  {
    name: 'a batch is judged outcome by outcome',
    seed: (s) =>
      s
        .running('a', 'w1')
        .ended('b', 'succeeded', 'b')
        .running('c', 'w2', { record: { entry: 'first/8-0', attempt: '1' } })
        .running('d', 'w1'),
    args: turn(
      ...(['w1', 0] as const),
      together(
        outcome('c', { entry: '7-0' }),
        outcome('a'),
        outcome('b', { entry: '9-0' }),
        outcome('d', { entry: '3-0' }),
      ),
    ),
    answer: ['fdad'],
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'task:d': ended({ entry: '3-0', result: 'value of d' }),
      'stream:normal': lane('3-0', { '2-0': 'c' }, { w1: [], w2: ['2-0'] }),
    },
    again: { answer: ['faaa'] },
  },
  {
    name: 'an outcome is fenced under the token of another entry or another lane',
    seed: (s) => s.running('a', 'w1'),
    args: turn('w1', 0, outcome('a', { entry: '2-0' }), outcome('a', { lane: 'high' })),
    answer: ['ff'],
  },
  {
    name: 'an outcome is fenced where there is no record, or none of ours, and nothing is made of it',
    seed: (s) => s.command('SET', 'P:task:b', 'junk').record('c', { note: 'junk' }),
    args: turn('w1', 0, outcome('a'), outcome('b'), outcome('c')),
    answer: ['fff'],
  },
  {
    name: 'what was run without a record of it is fenced, and its entry quarantined with what the outcome kept',
    seed: (s) =>
      s
        .entry('normal', 'a', 'call of a')
        .entry('normal', 'b', 'call of b')
        .command('SET', 'P:task:b', 'junk')
        .entry('normal', 'c', 'call of c')
        .record('c', { note: 'junk' })
        .deliver('w1', 'normal', 3)
        .queued('d'),
    args: turn(
      ...(['w1', 0] as const),
      together(
        outcome('a', { client: 'c1' }),
        outcome('b', { entry: '2-0', call: '' }),
        outcome('c', { entry: '3-0' }),
      ),
    ),
    answer: ['fff'],
    keyspace: {
      'stream:normal': lane('3-0', { '4-0': 'd' }, { w1: [] }),
      quarantine: {
        list: [
          ['<now>', 'normal/3-0', 'no record', 'kept'],
          ['<now>', 'normal/2-0', 'record of another type', ''],
          ['<now>', 'normal/1-0', 'no record', 'kept'],
        ],
      },
    },
  },
  {
    name: 'a failure whose entry was deleted under the pending list is written without its call',
    seed: (s) => s.running('a', 'w1').command('XDEL', 'P:stream:normal', '1-0'),
    args: turn('w1', 0, outcome('a', { state: 'failed', call: '' })),
    answer: ['d'],
    keyspace: {
      'task:a': failed({ error: 'value of a', call: '' }),
      'stream:normal': nothing,
      failed: zset({ a: '<now>' }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'the outcome of a zombie counts while its task was not recovered, and it gets nothing new',
    seed: (s) => s.markedDead('w1').running('a', 'w1').queued('b'),
    args: turn('w1', 5, outcome('a')),
    answer: ['d', 'dead'],
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'stream:normal': lane('1-0', { '2-0': 'b' }, { w1: [] }),
    },
    again: { answer: ['a', 'dead'] },
  },
  {
    name: 'the outcome of a zombie is fenced once its task was recovered, waiting or running elsewhere',
    seed: (s) =>
      s
        .entry('first', 'b', callOf('b'), 'attempt', '1')
        .record('b', { entry: 'first/1-0', attempt: '1', crashes: '1', created: '1' })
        .deliver('w2', 'first')
        .entry('first', 'a', callOf('a'), 'attempt', '1')
        .record('a', { entry: 'first/2-0', attempt: '1', crashes: '1', created: '1' }),
    args: turn('w1', 0, outcome('a'), outcome('b', { entry: '2-0' })),
    answer: ['ff'],
  },
  {
    name: 'a zombie whose task was failed as poison meanwhile is fenced',
    seed: (s) => s.failed('a', 1),
    args: turn('w1', 0, outcome('a', { entry: '9-0' })),
    answer: ['f'],
  },
  {
    name: 'every client that waits is told once, and each gets one message for the whole turn',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { clients: 'c1 c2' } })
        .running('b', 'w1', { record: { clients: 'c2 c3' } })
        .running('c', 'w1'),
    args: turn(
      ...(['w1', 0] as const),
      outcome('a', { client: 'c1' }),
      outcome('b', { entry: '2-0', state: 'failed' }),
      outcome('c', { entry: '3-0', client: 'c2' }),
    ),
    answer: ['ddd'],
    published: {
      c1: [['a', 'succeeded', 'value of a']],
      c2: [
        [
          ...['a', 'succeeded', 'value of a'],
          ...['b', 'failed', 'value of b'],
          ...['c', 'succeeded', 'value of c'],
        ],
      ],
      c3: [['b', 'failed', 'value of b']],
    },
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'task:b': failed({ entry: '2-0', error: 'value of b' }),
      'task:c': ended({ entry: '3-0', result: 'value of c' }),
      'stream:normal': lane('3-0', {}, { w1: [] }),
      failed: zset({ b: '<now>' }),
    },
    again: { answer: ['aaa'] },
  },
  {
    name: 'a value of 64 KiB is sent along, one byte more is left in the record',
    seed: (s) => s.running('a', 'w1').running('b', 'w1'),
    args: turn(
      ...(['w1', 0] as const),
      outcome('a', { client: 'c1', value: kib64 }),
      outcome('b', { client: 'c1', entry: '2-0', value: `${kib64}x` }),
    ),
    answer: ['dd'],
    published: { c1: [['a', 'succeeded', short(kib64), 'b', 'succeeded', null]] },
    keyspace: {
      'task:a': ended({ result: short(kib64) }),
      'task:b': ended({ entry: '2-0', result: short(`${kib64}x`) }),
      'stream:normal': lane('2-0', {}, { w1: [] }),
    },
    again: { answer: ['aa'] },
  },
  {
    name: 'a message that passes 256 KiB is sent off, and the rest goes in the next',
    seed: (s) => six.map((id) => s.running(id, 'w1')),
    args: turn(
      ...(['w1', 0] as const),
      together(...six.map((id, i) => outcome(id, { client: 'c1', entry: `${i + 1}-0`, value: kib64 }))),
    ),
    answer: ['dddddd'],
    published: {
      c1: [
        six.slice(0, 5).flatMap((id) => [id, 'succeeded', short(kib64)]),
        ['f', 'succeeded', short(kib64)],
      ],
    },
    keyspace: {
      ...Object.fromEntries(
        six.map((id, i) => [`task:${id}`, ended({ entry: `${i + 1}-0`, result: short(kib64) })]),
      ),
      'stream:normal': lane('6-0', {}, { w1: [] }),
    },
    again: { answer: ['aaaaaa'] },
  },
  {
    name: 'past the cap the oldest failure goes, and its record after a last look',
    seed: (s) => s.running('a', 'w1').failed('x', 1).failed('y', 2).failed('z', 3),
    args: turn('w1', 0, outcome('a', { state: 'failed' })),
    answer: ['d'],
    keyspace: {
      'task:a': failed({ error: 'value of a' }),
      'task:x': goingSoon,
      'stream:normal': nothing,
      failed: zset({ y: '2', z: '3', a: '<now>' }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'each failure clears up to two of the oldest whose records have expired',
    seed: (s) => s.running('a', 'w1').command('ZADD', 'P:failed', 1, 'gone1', 2, 'gone2', 3, 'gone3'),
    args: turn('w1', 0, outcome('a', { state: 'failed' })),
    answer: ['d'],
    keyspace: {
      'task:a': failed({ error: 'value of a' }),
      'stream:normal': nothing,
      failed: zset({ gone3: '3', a: '<now>' }),
    },
    again: { answer: ['a'] },
  },
]

/** An entry of a task that has ended, held up in the stream by an older one. */
const heldUp = (s: Seed, id: string, entry: string) =>
  s
    .entry('normal', id, callOf(id))
    .deliver('w1')
    .command('XACK', 'P:stream:normal', 'workers', entry)
    .ended(id, 'succeeded', 'value', { entry })
    .untidy('normal')

const nine = Array.from({ length: 9 }, (_, i) => `t${i + 2}`)
const runNine = (s: Seed) => nine.reduce((seed, id) => seed.running(id, 'w1'), s).queued('z')
const ninth = together(...nine.map((id, i) => outcome(id, { entry: `${i + 2}-0` })))
const nineEnded = Object.fromEntries(
  nine.map((id, i) => [`task:${id}`, ended({ entry: `${i + 2}-0`, result: `value of ${id}` })]),
)
/** How many wait in the lane to be trimmed together; 32: no few do. */
const untidy = (waiting: string) => hash({ normal: waiting })
const sixtyFour = Array.from({ length: 64 }, (_, i) => `q${i + 2}`)
/** A lane that is long: one task that runs and 64 that wait. */
const long = (s: Seed) => sixtyFour.reduce((seed, id) => seed.queued(id), s.running('a', 'w1'))
const waiting = Object.fromEntries(sixtyFour.map((id, i) => [`${i + 2}-0`, id]))

const trimming: Row[] = [
  {
    name: 'few entries are deleted singly, whatever runs below and above them',
    seed: (s) => s.running('a', 'w1').running('b', 'w2').running('c', 'w1').running('d', 'w2').queued('e'),
    fresh: [['w2', 'normal', '2-0']],
    args: turn('w1', 0, outcome('a'), outcome('c', { entry: '3-0' })),
    answer: ['dd'],
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'task:c': ended({ entry: '3-0', result: 'value of c' }),
      'stream:normal': lane('4-0', { '2-0': 'b', '4-0': 'd', '5-0': 'e' }, { w1: [], w2: ['2-0', '4-0'] }),
    },
    again: { answer: ['aa'] },
  },
  {
    name: 'many entries with nothing pending leave the stream at once, and what nobody has read stays',
    seed: (s) => runNine(s.running('a', 'w1').command('XACK', 'P:stream:normal', 'workers', '1-0')),
    args: turn('w1', 0, ninth),
    answer: ['ddddddddd'],
    keyspace: { ...nineEnded, 'stream:normal': lane('10-0', { '11-0': 'z' }, { w1: [] }) },
    again: { answer: ['aaaaaaaaa'] },
  },
  {
    name: 'many entries above an older one that was delivered just now stay, and it is noted that they do',
    seed: (s) => runNine(s.running('a', 'w2')),
    fresh: [['w2', 'normal', '1-0']],
    args: turn('w1', 0, ninth),
    answer: ['ddddddddd'],
    keyspace: {
      ...nineEnded,
      'stream:normal': lane(
        '10-0',
        {
          '1-0': 'a',
          ...Object.fromEntries(nine.map((id, i) => [`${i + 2}-0`, id])),
          '11-0': 'z',
        },
        { w1: [], w2: ['1-0'] },
      ),
      untidy: untidy('32'),
    },
    again: { answer: ['aaaaaaaaa'] },
  },
  {
    name: 'many entries above one that is pending for longer than 50 ms are deleted singly',
    seed: (s) => runNine(s.running('a', 'w2')),
    args: turn('w1', 0, ninth),
    answer: ['ddddddddd'],
    keyspace: {
      ...nineEnded,
      'stream:normal': lane('10-0', { '1-0': 'a', '11-0': 'z' }, { w1: [], w2: ['1-0'] }),
      untidy: untidy('32'),
    },
    again: { answer: ['aaaaaaaaa'] },
  },
  {
    name: 'in an untidy lane the last that is pending takes all that is acknowledged along, but nothing unread',
    seed: (s) =>
      heldUp(heldUp(s, 'x', '1-0').running('a', 'w1'), 'y', '3-0')
        .queued('b')
        .queued('c')
        .untidy('low'),
    args: turn('w1', 0, outcome('a', { entry: '2-0' })),
    answer: ['d'],
    keyspace: {
      'task:a': ended({ entry: '2-0', result: 'value of a' }),
      'stream:normal': lane('3-0', { '4-0': 'b', '5-0': 'c' }, { w1: [] }),
      untidy: hash({ low: '32' }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'with nothing unread either, the lane is empty and tidy',
    seed: (s) => heldUp(s.running('a', 'w1'), 'x', '2-0'),
    args: turn('w1', 0, outcome('a')),
    answer: ['d'],
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'stream:normal': lane('2-0', {}, { w1: [] }),
      untidy: null,
    },
    again: { answer: ['a'] },
  },
  {
    name: 'in an untidy lane an older entry that was delivered just now holds up those above it; those below leave',
    seed: (s) =>
      heldUp(s.running('a', 'w1'), 'x', '2-0')
        .running('b', 'w2')
        .running('c', 'w1')
        .running('d', 'w2')
        .queued('e'),
    fresh: [['w2', 'normal', '3-0']],
    args: turn('w1', 0, outcome('a'), outcome('c', { entry: '4-0' })),
    answer: ['dd'],
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'task:c': ended({ entry: '4-0', result: 'value of c' }),
      'stream:normal': lane(
        '5-0',
        { '3-0': 'b', '4-0': 'c', '5-0': 'd', '6-0': 'e' },
        { w1: [], w2: ['3-0', '5-0'] },
      ),
    },
    again: { answer: ['aa'] },
  },
  {
    name: 'in an untidy lane, once the oldest is pending for longer than 50 ms, others are deleted singly as they end',
    seed: (s) =>
      heldUp(s.running('a', 'w2'), 'x', '2-0')
        .running('b', 'w1')
        .running('c', 'w2')
        .running('d', 'w1')
        .queued('e'),
    args: turn('w1', 0, outcome('b', { entry: '3-0' }), outcome('d', { entry: '5-0' })),
    answer: ['dd'],
    keyspace: {
      'task:b': ended({ entry: '3-0', result: 'value of b' }),
      'task:d': ended({ entry: '5-0', result: 'value of d' }),
      // What it held up before leaves when it ends.
      'stream:normal': lane(
        '5-0',
        { '1-0': 'a', '2-0': 'x', '4-0': 'c', '6-0': 'e' },
        { w1: [], w2: ['1-0', '4-0'] },
      ),
      untidy: untidy('32'),
    },
    again: { answer: ['aa'] },
  },
  {
    name: 'a pending entry that was deleted by hand is the oldest still, and nothing above it goes',
    seed: (s) =>
      heldUp(s.running('a', 'w1').running('b', 'w2'), 'x', '3-0')
        .queued('c')
        .command('XDEL', 'P:stream:normal', '2-0'),
    args: turn('w1', 0, outcome('a')),
    answer: ['d'],
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'stream:normal': lane('3-0', { '3-0': 'x', '4-0': 'c' }, { w1: [], w2: ['2-0'] }),
      untidy: untidy('32'),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'few of a long lane wait until there are more, and it is noted how many do',
    seed: long,
    args: turn('w1', 0, outcome('a')),
    answer: ['d'],
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'stream:normal': lane('1-0', { '1-0': 'a', ...waiting }, { w1: [] }),
      untidy: untidy('1'),
    },
    // Noted once more: there may be fewer than it says.
    again: { answer: ['a'], keyspace: { untidy: untidy('2') } },
  },
  {
    name: 'once there are 32 of a long lane they leave together, and nothing unread does',
    seed: (s) => long(heldUp(s, 'x', '1-0').command('HSET', 'P:untidy', 'normal', 31)),
    args: turn('w1', 0, outcome('a', { entry: '2-0' })),
    answer: ['d'],
    keyspace: {
      'task:a': ended({ entry: '2-0', result: 'value of a' }),
      'stream:normal': lane('2-0', Object.fromEntries(sixtyFour.map((id, i) => [`${i + 3}-0`, id])), {
        w1: [],
      }),
      untidy: null,
    },
    again: { answer: ['a'] },
  },
  {
    name: 'in a long lane, above one that is pending for longer than 50 ms, few are deleted singly from the 32nd on',
    seed: (s) =>
      s.running('b', 'w2').command('HSET', 'P:untidy', 'normal', 31) &&
      sixtyFour.reduce((seed, id) => seed.queued(id), s.running('a', 'w1')),
    args: turn('w1', 0, outcome('a', { entry: '2-0' })),
    answer: ['d'],
    keyspace: {
      'task:a': ended({ entry: '2-0', result: 'value of a' }),
      'stream:normal': lane(
        '2-0',
        { '1-0': 'b', ...Object.fromEntries(sixtyFour.map((id, i) => [`${i + 3}-0`, id])) },
        { w1: [], w2: ['1-0'] },
      ),
      untidy: untidy('32'),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'under a group that was made anew an outcome counts, and what is unread again stays until it is read',
    seed: (s) => s.queued('a').queued('b').untidy('normal'),
    args: turn('w1', 0, outcome('a')),
    answer: ['d'],
    // It was run, so it is none of those that are noted as void.
    keyspace: { 'task:a': ended({ result: 'value of a' }), untidy: null, 'void:normal': null },
    again: {
      answer: ['a'],
      // Alone, and the lane is tidy: deleted.
      keyspace: { 'stream:normal': lane('0-0', { '2-0': 'b' }) },
    },
  },
  {
    name: 'in a lane without its group an outcome counts, and its entry alone is deleted, tidy or not',
    bare: true,
    seed: (s) =>
      s.queued('a').queued('b', { lane: 'low' }).queued('c').untidy('low').queued('d', { lane: 'low' }),
    args: turn('w1', 0, outcome('a'), outcome('b', { lane: 'low', entry: '2-0' })),
    answer: ['dd'],
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'task:b': ended({ entry: 'low/2-0', result: 'value of b' }),
      'stream:normal': { entries: [['3-0', 'c', callOf('c')]] },
      'stream:low': { entries: [['4-0', 'd', callOf('d')]] },
    },
    again: { answer: ['aa'] },
  },
  {
    name: 'where the stream is gone an outcome counts, and no stream is made',
    bare: true,
    seed: (s) => s.record('a', { entry: '1-0' }),
    args: turn('w1', 0, outcome('a')),
    answer: ['d'],
    keyspace: { 'task:a': ended({ result: 'value of a' }) },
    again: { answer: ['a'] },
  },
]

const all = (s: Seed) =>
  s
    .worker('w1')
    .queued('a', { lane: 'low' })
    .queued('b')
    .queued('c', { lane: 'high' })
    .queued('d', { lane: 'first' })
    .queued('e')

const taking: Row[] = [
  {
    name: 'new work comes lanes in order, each lane in its own; being pending is all that marks it as running',
    seed: all,
    args: turn('w1', 10),
    answer: [
      ...['', 'first', ['4-0', 'd', callOf('d'), ''], 'high', ['3-0', 'c', callOf('c'), '']],
      ...['normal', ['2-0', 'b', callOf('b'), '', '5-0', 'e', callOf('e'), '']],
      ...['low', ['1-0', 'a', callOf('a'), '']],
    ],
    keyspace: {
      'stream:first': lane('4-0', { '4-0': 'd' }, { w1: ['4-0'] }),
      'stream:high': lane('3-0', { '3-0': 'c' }, { w1: ['3-0'] }),
      'stream:normal': lane('5-0', { '2-0': 'b', '5-0': 'e' }, { w1: ['2-0', '5-0'] }),
      'stream:low': lane('1-0', { '1-0': 'a' }, { w1: ['1-0'] }),
    },
    again: { answer: [''] },
  },
  {
    name: 'lanes that were not told of are looked into by readers alone, until somebody tells of them',
    seed: (s) => s.worker('w1').queued('a', { lane: 'low' }).command('HDEL', 'P:settings', 'lanes'),
    args: turn('w1', 10),
    answer: [''],
    keyspace: { settings: null },
  },
  {
    name: 'no more than wanted is taken; asked again, a turn takes the next',
    seed: (s) => all(s).deliver('w1', 'first').deliver('w1', 'high'),
    args: turn('w1', 1),
    answer: ['', 'normal', ['2-0', 'b', callOf('b'), '']],
    keyspace: { 'stream:normal': lane('2-0', { '2-0': 'b', '5-0': 'e' }, { w1: ['2-0'] }) },
    again: {
      answer: ['', 'normal', ['5-0', 'e', callOf('e'), '']],
      keyspace: { 'stream:normal': lane('5-0', { '2-0': 'b', '5-0': 'e' }, { w1: ['2-0', '5-0'] }) },
    },
  },
  {
    name: 'an outcome goes out and new work comes in by the same turn',
    seed: (s) => s.worker('w1').running('a', 'w1').queued('b'),
    args: turn('w1', 1, outcome('a', { client: 'c1' })),
    answer: ['d', 'normal', ['2-0', 'b', callOf('b'), '']],
    published: { c1: [['a', 'succeeded', 'value of a']] },
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'stream:normal': lane('2-0', { '2-0': 'b' }, { w1: ['2-0'] }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'a task that was given back or recovered comes with the attempts that were begun before',
    seed: (s) =>
      s
        .worker('w1')
        .entry('first', 'a', callOf('a'), 'attempt', '2')
        .record('a', { entry: 'first/1-0', attempt: '2', created: '50', crashes: '1' }),
    args: turn('w1', 1),
    answer: ['', 'first', ['1-0', 'a', callOf('a'), 'attempt 2']],
    keyspace: {
      'stream:first': lane('1-0', { '1-0': ['a', callOf('a'), 'attempt', '2'] }, { w1: ['1-0'] }),
    },
    again: { answer: [''] },
  },
  {
    name: 'who was never registered is told that it is dead and gets nothing',
    seed: (s) => s.worker('w2').queued('a'),
    args: turn('w1', 1),
    answer: ['', 'dead'],
  },
  {
    name: 'who was declared dead is not told so while it wants nothing',
    seed: (s) => s.markedDead('w1').queued('a'),
    args: turn('w1', 0),
    answer: [''],
  },
  {
    name: 'a worker whose lease is over but who was not declared dead is still served',
    seed: (s) => s.expired('w1').queued('a'),
    args: turn('w1', 1),
    answer: ['', 'normal', ['1-0', 'a', callOf('a'), '']],
    keyspace: { 'stream:normal': lane('1-0', { '1-0': 'a' }, { w1: ['1-0'] }) },
    again: { answer: [''] },
  },
  {
    name: 'in doubt entries that nobody can run are quarantined, old ones dropped, and the good one among them is taken',
    seed: (s) =>
      inDoubt(s)
        .worker('w1')
        .entry('normal', 'bad id!', 'sample 1')
        .entry('normal', 'x'.repeat(129), 'y'.repeat(300))
        .entry('normal', 'other', 'sample 3')
        .command('SET', 'P:task:other', 'junk')
        .entry('normal', 'junk', 'sample 4')
        .record('junk', { note: 'not ours' })
        .entry('normal', 'done', callOf('done'))
        .ended('done', 'succeeded', 'value', { entry: '5-0' })
        .entry('normal', 'moved', callOf('moved'))
        .record('moved', { entry: 'first/6-0' })
        .queued('good'),
    args: turn('w1', 10),
    answer: ['', 'normal', ['7-0', 'good', callOf('good'), '']],
    keyspace: {
      'stream:normal': lane('7-0', { '7-0': 'good' }, { w1: ['7-0'] }),
      quarantine: {
        list: [
          ['<now>', 'normal/4-0', 'no record', 'sample 4'],
          ['<now>', 'normal/3-0', 'record of another type', 'sample 3'],
          ['<now>', 'normal/2-0', 'no record', 'y'.repeat(256)],
          ['<now>', 'normal/1-0', 'no record', 'sample 1'],
        ],
      },
    },
    again: { answer: [''] },
  },
  {
    name: 'an entry that is void is noted until it is read',
    seed: (s) =>
      s
        .worker('w1')
        .entry('normal', 'a', callOf('a'))
        .ended('a', 'cancelled', 'error', { entry: '1-0' })
        .queued('b', { lane: 'low' })
        .entry('normal', 'b', callOf('b'))
        .entry('normal', 'c', callOf('c'))
        .ended('c', 'expired', 'error', { entry: '4-0' })
        .voided('normal', '1-0', '3-0', '4-0'),
    args: turn('w1', 2),
    answer: ['', 'normal', []],
    published: { control: ['void'] },
    keyspace: {
      'stream:normal': lane('3-0', { '4-0': 'c' }, { w1: [] }),
      'void:normal': { set: ['4-0'] },
    },
    again: {
      answer: ['', 'normal', [], 'low', ['2-0', 'b', callOf('b'), '']],
      published: { control: ['void'] },
      keyspace: {
        'stream:normal': lane('4-0', {}, { w1: [] }),
        'stream:low': lane('2-0', { '2-0': 'b' }, { w1: ['2-0'] }),
        'void:normal': null,
      },
    },
  },
  {
    name: 'a void entry whose record is gone by now is dropped like any other: nobody need look at it',
    seed: (s) =>
      s
        .worker('w1')
        .entry('normal', 'a', callOf('a'))
        .entry('normal', 'b', callOf('b'))
        .voided('normal', '1-0'),
    args: turn('w1', 10),
    answer: ['', 'normal', []],
    keyspace: {
      'stream:normal': lane('2-0', {}, { w1: [] }),
      'void:normal': null,
      quarantine: { list: [['<now>', 'normal/2-0', 'no record', callOf('b')]] },
    },
    again: { answer: [''] },
  },
  {
    name: 'in doubt, where nothing of what was read can be run, nothing comes',
    seed: (s) => inDoubt(s).worker('w1').entry('normal', 'a', 'sample').entry('low', 'b', 'sample'),
    args: turn('w1', 10),
    answer: ['', 'normal', [], 'low', []],
    keyspace: {
      settings: null,
      'stream:normal': lane('1-0', {}, { w1: [] }),
      'stream:low': lane('2-0', {}, { w1: [] }),
      quarantine: {
        list: [
          ['<now>', 'low/2-0', 'no record', 'sample'],
          ['<now>', 'normal/1-0', 'no record', 'sample'],
        ],
      },
    },
    again: { answer: [''] },
  },
  {
    name: 'without a doubt nobody looks at the records of what is taken: what was put there by hand is found at its outcome',
    seed: (s) => s.worker('w1').entry('normal', 'a', 'sample').queued('b'),
    args: turn('w1', 10),
    answer: ['', 'normal', ['1-0', 'a', 'sample', '', '2-0', 'b', callOf('b'), '']],
    keyspace: {
      'stream:normal': lane('2-0', { '1-0': ['a', 'sample'], '2-0': 'b' }, { w1: ['1-0', '2-0'] }),
    },
    again: { answer: [''] },
  },
  {
    name: 'what a group that was made anew delivers again is dropped if its task has ended, and else taken',
    seed: (s) =>
      inDoubt(s)
        .worker('w1')
        .entry('normal', 'a', callOf('a'))
        .ended('a', 'succeeded', 'value', { entry: '1-0' })
        .queued('b', { record: { attempt: '1', created: '50' } }),
    args: turn('w1', 10),
    answer: ['', 'normal', ['2-0', 'b', callOf('b'), '']],
    keyspace: { 'stream:normal': lane('2-0', { '2-0': 'b' }, { w1: ['2-0'] }) },
    again: { answer: [''] },
  },
  {
    name: 'a call larger than this worker takes fails with no attempt begun here, and who awaits it is told',
    seed: (s) =>
      s
        .worker('w1')
        .queued('a', { call: large(callOf('a', 'c1')), record: { clients: 'c2' } })
        .queued('b')
        .entry('normal', 'c', large(callOf('c')), 'attempt', '2')
        .record('c', { entry: '3-0', attempt: '2', created: '50' }),
    args: turn('w1', 10),
    answer: ['', 'normal', ['2-0', 'b', callOf('b'), '']],
    published: {
      c1: [['a', 'failed', tooLarge()]],
      c2: [['a', 'failed', tooLarge()]],
    },
    keyspace: {
      'task:a': hash({ entry: '1-0', end: 'f 0 0 <now> w1', call: '', error: tooLarge() }, '120 s'),
      'task:c': hash(
        {
          ...{ entry: '3-0', attempt: '2', created: '50' },
          ...{ end: 'f 2 0 <now> w1', call: '', error: tooLarge() },
        },
        '120 s',
      ),
      'stream:normal': lane('3-0', { '2-0': 'b' }, { w1: ['2-0'] }),
      failed: zset({ a: '<now>', c: '<now>' }),
    },
    again: { answer: [''] },
  },
  {
    name: 'where there are no streams there is no work, and none are made',
    bare: true,
    seed: (s) => s.worker('w1'),
    args: turn('w1', 10),
    answer: [''],
  },
  {
    name: 'a lane without its group is an error; the outcomes that came along and what was taken before it stand',
    bare: true,
    seed: (s) => s.group('normal').worker('w1').running('a', 'w1').queued('b', { lane: 'low' }).queued('c'),
    args: turn('w1', 10, outcome('a', { client: 'c1' })),
    refused: /NOGROUP/,
    published: { c1: [['a', 'succeeded', 'value of a']] },
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'stream:normal': lane('3-0', { '3-0': 'c' }, { w1: ['3-0'] }),
    },
  },
  {
    name: 'at maxmemory outcomes are written and work is taken',
    full: true,
    seed: (s) => s.worker('w1').running('a', 'w1').queued('b'),
    args: turn('w1', 1, outcome('a', { client: 'c1', state: 'failed' })),
    answer: ['d', 'normal', ['2-0', 'b', callOf('b'), '']],
    published: { c1: [['a', 'failed', 'value of a']] },
    keyspace: {
      'task:a': failed({ error: 'value of a' }),
      'stream:normal': lane('2-0', { '2-0': 'b' }, { w1: ['2-0'] }),
      failed: zset({ a: '<now>' }),
    },
    again: { answer: ['a'] },
  },
]

/** Another attempt of `a` after so many ms, or at once. */
const retry = (delay: number, o: Brought = {}) =>
  outcome('a', { state: 'retry', ttl: delay, value: 'why', call: '', ...o })
/** The worker does not know the task; it may wait for a minute for one that does. */
const park = (o: Brought = {}) => outcome('a', { state: 'parked', value: 'add', call: '', ...o })

const late = (how: string) => `TaskExpiredError ERR_MILLRACE_TASK_EXPIRED: the task did not ${how}`
const cancelled = (reason: string) => `TaskCancelledError ERR_MILLRACE_TASK_CANCELLED: ${reason}`

/** Attempt, epoch ms and error, three items each. */
const errorsOf = (attempts: number[]) =>
  attempts.flatMap((attempt) => [attempt, 100 + attempt, `e${attempt}`])

const retries: Row[] = [
  {
    name: 'a task that is retried later waits in its record, with its error, and the workers hear when it is due',
    seed: (s) => s.running('a', 'w1', { client: 'c1', record: { clients: 'c2' } }),
    args: turn('w1', 0, retry(30_000)),
    answer: ['d'],
    published: { control: ['due 30000'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'scheduled/normal', call: callOf('a', 'c1'), created: '1', clients: 'c2' },
        ...{ attempt: '1', failures: '1', errors: '1 <now> why', left: '1-0' },
      }),
      'stream:normal': nothing,
      scheduled: zset({ a: '<now+30s>' }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'one that is retried at once becomes the last of its lane, and the worker can tell which attempt it is',
    seed: (s) => s.running('a', 'w1', { lane: 'low' }).queued('b', { lane: 'low' }),
    args: turn('w1', 0, retry(0, { lane: 'low' })),
    answer: ['d'],
    keyspace: {
      'task:a': hash({
        ...{ entry: 'low/e1', created: '1', attempt: '1', failures: '1' },
        ...{ errors: '1 <now> why', left: 'low/1-0' },
      }),
      'stream:low': lane(
        '1-0',
        { '2-0': 'b', e1: ['a', callOf('a'), 'attempt', '1', 'failures', '1'] },
        { w1: [] },
      ),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'one that came back from a worker by lane first goes to its own lane again',
    seed: (s) =>
      s
        .running('a', 'w1', {
          ...{ lane: 'first', more: { attempt: '1', crashes: '1' } },
          record: { created: '50', home: 'low' },
        })
        .running('b', 'w1', { lane: 'first' }),
    args: turn(
      ...(['w1', 0] as const),
      retry(30_000, { lane: 'first', attempt: 2 }),
      outcome('b', { lane: 'first', entry: '2-0', state: 'retry', ttl: 0, value: 'why', call: '' }),
    ),
    answer: ['dd'],
    published: { control: ['due 30000'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'scheduled/low', call: callOf('a'), created: '50', home: 'low' },
        ...{ attempt: '2', crashes: '1', failures: '1', errors: '2 <now> why', left: 'first/1-0' },
      }),
      'task:b': hash({
        ...{ entry: 'first/e1', created: '2', attempt: '1', failures: '1' },
        ...{ errors: '1 <now> why', left: 'first/2-0' },
      }),
      'stream:first': lane('2-0', { e1: ['b', callOf('b'), 'attempt', '1', 'failures', '1'] }, { w1: [] }),
      scheduled: zset({ a: '<now+30s>' }),
    },
    again: { answer: ['aa'] },
  },
  {
    name: 'the errors of the last five attempts are kept, the oldest of more goes',
    seed: (s) =>
      s
        .running('a', 'w1', {
          ...{ lane: 'high', more: { attempt: '6', failures: '6' } },
          record: { created: '50', left: 'high/0-1' },
        })
        .command('HSET', 'P:task:a', 'errors', frame(errorsOf([2, 3, 4, 5, 6]))),
    args: turn('w1', 0, retry(0, { lane: 'high', attempt: 7 })),
    answer: ['d'],
    keyspace: {
      'task:a': hash({
        ...{ entry: 'high/e1', created: '50', attempt: '7', failures: '7', left: 'high/1-0' },
        errors: '3 103 e3 | 4 104 e4 | 5 105 e5 | 6 106 e6 | 7 <now> why',
      }),
      'stream:high': lane('1-0', { e1: ['a', callOf('a'), 'attempt', '7', 'failures', '7'] }, { w1: [] }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'of an error above 16 KiB is kept that there was one',
    seed: (s) => s.running('a', 'w1').running('b', 'w1'),
    args: turn(
      ...(['w1', 0] as const),
      retry(30_000, { value: 'x'.repeat(16_384) }),
      outcome('b', { state: 'retry', ttl: 30_000, entry: '2-0', value: 'x'.repeat(16_385), call: '' }),
    ),
    answer: ['dd'],
    published: { control: ['due 30000'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'scheduled/normal', call: callOf('a'), created: '1', left: '1-0' },
        ...{ attempt: '1', failures: '1', errors: `1 <now> ${short('x'.repeat(16_384))}` },
      }),
      'task:b': hash({
        ...{ entry: 'scheduled/normal', call: callOf('b'), created: '2', left: '2-0' },
        ...{ attempt: '1', failures: '1', errors: '1 <now> ' },
      }),
      'stream:normal': lane('2-0', {}, { w1: [] }),
      scheduled: zset({ a: '<now+30s>', b: '<now+30s>' }),
    },
    again: { answer: ['aa'] },
  },
  {
    name: 'for another attempt the deadline counts still, the time to begin no more',
    seed: (s) =>
      s.running('a', 'w1', { more: { expires: s.at(-20_000), deadline: s.at(60_000) } }).worker('w2'),
    args: turn('w1', 0, retry(0)),
    answer: ['d'],
    published: { control: ['due 60000'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'e1', created: '1', expires: '<now-20s>', deadline: '<now+60s>' },
        ...{ attempt: '1', failures: '1', errors: '1 <now> why', left: '1-0' },
      }),
      'stream:normal': lane(
        '1-0',
        { e1: ['a', callOf('a'), 'attempt', '1', 'failures', '1', 'deadline', '<now+60s>'] },
        { w1: [] },
      ),
      expiring: zset({ a: '<now+60s>' }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'what waits for another attempt is watched for its deadline still',
    seed: (s) => s.running('a', 'w1', { more: { deadline: s.at(20_000) } }).expiring('a', 20_000),
    args: turn('w1', 0, retry(60_000)),
    answer: ['d'],
    keyspace: {
      'task:a': hash({
        ...{ entry: 'scheduled/normal', call: callOf('a'), created: '1', deadline: '<now+20s>' },
        ...{ attempt: '1', failures: '1', errors: '1 <now> why', left: '1-0' },
      }),
      'stream:normal': nothing,
      scheduled: zset({ a: '<now+60s>' }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'if that came while the task ran, the workers hear that it is over',
    seed: (s) => s.running('a', 'w1', { more: { deadline: s.at(-20_000) } }),
    args: turn('w1', 0, retry(60_000)),
    answer: ['d'],
    published: { control: ['due 0'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'scheduled/normal', call: callOf('a'), created: '1', deadline: '<now-20s>' },
        ...{ attempt: '1', failures: '1', errors: '1 <now> why', left: '1-0' },
      }),
      'stream:normal': nothing,
      scheduled: zset({ a: '<now+60s>' }),
      expiring: zset({ a: '<now-20s>' }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'a retry is done already when it comes again, even if the task runs elsewhere by then, and else fenced',
    seed: (s) =>
      s
        .running('a', 'w2', { record: { left: '8-0', attempt: '1' } })
        .running('b', 'w2', { record: { left: '8-0', attempt: '1' } }),
    args: turn(
      ...(['w1', 0] as const),
      retry(0, { entry: '8-0' }),
      outcome('b', { state: 'retry', ttl: 0, entry: '7-0' }),
      outcome('c', { state: 'retry', ttl: 0, entry: '7-0' }),
    ),
    answer: ['aff'],
  },
]

const parking: Row[] = [
  {
    name: 'a task that no worker knows is parked, for as long as it may wait; its attempt does not count',
    seed: (s) => s.worker('w1', { tasks: 'mail addition' }).running('a', 'w1', { client: 'c1' }),
    args: turn('w1', 0, park()),
    answer: ['d'],
    published: { control: ['due 60000'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'parked/normal', call: callOf('a', 'c1'), created: '1', left: '1-0' },
        ...{ unknown: 'add' },
      }),
      'stream:normal': nothing,
      parked: zset({ 'add/a': '0' }),
      expiring: zset({ a: '<now+60s>' }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'where a live worker knows it, the workers hear of it: that one takes it',
    seed: (s) =>
      s
        .worker('w1', { tasks: 'mail' })
        .worker('w2', { tasks: 'mail add' })
        .running('a', 'w1', { lane: 'first', record: { home: 'low', created: '50' } }),
    args: turn('w1', 0, park({ lane: 'first' })),
    answer: ['d'],
    published: { control: ['parked add', 'due 60000'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'parked/low', call: callOf('a'), created: '50', home: 'low' },
        ...{ left: 'first/1-0', unknown: 'add' },
      }),
      'stream:first': nothing,
      parked: zset({ 'add/a': '0' }),
      expiring: zset({ a: '<now+60s>' }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'of a worker that knows names of which one begins like it, nobody hears',
    seed: (s) => s.worker('w2', { tasks: 'add-2 add.more x:add' }).running('a', 'w1'),
    args: turn('w1', 0, park()),
    answer: ['d'],
    published: { control: ['due 60000'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'parked/normal', call: callOf('a'), created: '1', left: '1-0' },
        ...{ unknown: 'add' },
      }),
      'stream:normal': nothing,
      parked: zset({ 'add/a': '0' }),
      expiring: zset({ a: '<now+60s>' }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'a worker that knows it, but whose lease is over, does not count',
    seed: (s) => s.worker('w2', { lease: -60_000, tasks: 'add' }).running('a', 'w1'),
    args: turn('w1', 0, park()),
    answer: ['d'],
    published: { control: ['due 60000'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'parked/normal', call: callOf('a'), created: '1', left: '1-0' },
        ...{ unknown: 'add' },
      }),
      'stream:normal': nothing,
      parked: zset({ 'add/a': '0' }),
      expiring: zset({ a: '<now+60s>' }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'a parked task whose deadline comes first is watched for that',
    seed: (s) => s.running('a', 'w1', { more: { deadline: s.at(20_000) } }).expiring('a', 20_000),
    args: turn('w1', 0, park()),
    answer: ['d'],
    keyspace: {
      'task:a': hash({
        ...{ entry: 'parked/normal', call: callOf('a'), created: '1', left: '1-0' },
        ...{ unknown: 'add', deadline: '<now+20s>' },
      }),
      'stream:normal': nothing,
      parked: zset({ 'add/a': '0' }),
    },
    again: { answer: ['a'] },
  },
]

const endings: Row[] = [
  {
    name: 'a follower without a call in its record is passed over: the key is free',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { key: 'k', next: 'b' } })
        .holdsKey('a')
        .record('b', { entry: 'waiting/normal', created: '50', key: 'k' }),
    args: turn('w1', 0, outcome('a')),
    answer: ['d'],
    keyspace: {
      'task:a': ended({ key: 'k', next: 'b', result: 'value of a' }),
      'stream:normal': nothing,
      'key:k': null,
    },
    again: { answer: ['a'] },
  },
  {
    name: 'a task that was given up because it was asked to be cancelled ends so, with the reason that the record knows',
    seed: (s) => s.running('a', 'w1', { client: 'c1', record: { cancel: 'not needed', clients: 'c2' } }),
    args: turn('w1', 0, outcome('a', { state: 'cancelled', ttl: 0, value: '', call: '', client: 'c1' })),
    answer: ['d'],
    published: {
      c1: [['a', 'cancelled', cancelled('not needed')]],
      c2: [['a', 'cancelled', cancelled('not needed')]],
    },
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: '1-0', end: 'c 1 7 <now> w1', cancel: 'not needed' },
          ...{ call: callOf('a', 'c1'), error: cancelled('not needed') },
        },
        '120 s',
      ),
      'stream:normal': nothing,
    },
    again: { answer: ['a'] },
  },
  {
    name: 'one that was asked to be cancelled is not tried again, nor parked',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { cancel: 'enough' } })
        .running('b', 'w1', { record: { cancel: 'enough' } }),
    args: turn(
      ...(['w1', 0] as const),
      retry(30_000),
      outcome('b', { state: 'parked', entry: '2-0', value: 'add', call: '' }),
    ),
    answer: ['dd'],
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: '1-0', end: 'c 1 7 <now> w1', cancel: 'enough' },
          ...{ call: callOf('a'), error: cancelled('enough') },
        },
        '120 s',
      ),
      'task:b': hash(
        {
          ...{ entry: '2-0', end: 'c 1 7 <now> w1', cancel: 'enough' },
          ...{ call: callOf('b'), error: cancelled('enough') },
        },
        '120 s',
      ),
      'stream:normal': lane('2-0', {}, { w1: [] }),
    },
    again: { answer: ['aa'] },
  },
  {
    name: 'one that succeeds or fails although it was asked to be cancelled has its own outcome',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { cancel: 'enough' } })
        .running('b', 'w1', { record: { cancel: 'enough' } }),
    args: turn('w1', 0, outcome('a'), outcome('b', { entry: '2-0', state: 'failed' })),
    answer: ['dd'],
    keyspace: {
      'task:a': ended({ cancel: 'enough', result: 'value of a' }),
      'task:b': failed({ cancel: 'enough', entry: '2-0', error: 'value of b' }),
      'stream:normal': lane('2-0', {}, { w1: [] }),
      failed: zset({ b: '<now>' }),
    },
    again: { answer: ['aa'] },
  },
  {
    name: 'a task whose deadline passed while it ran has expired: no dead letter, for as long as it is said',
    seed: (s) => s.running('a', 'w1', { more: { deadline: s.at(-1) } }),
    args: turn('w1', 0, outcome('a', { state: 'expired', call: '', client: 'c1' })),
    answer: ['d'],
    published: { c1: [['a', 'expired', 'value of a']] },
    keyspace: {
      'task:a': ended({
        ...{ end: 'e 1 7 <now> w1', deadline: '<now>' },
        ...{ call: callOf('a'), error: 'value of a' },
      }),
      'stream:normal': nothing,
    },
    again: { answer: ['a'] },
  },
  {
    name: 'the times of a task that has ended are watched no more; those of others are',
    seed: (s) =>
      s
        .running('a', 'w1', { more: { deadline: s.at(60_000) } })
        .running('b', 'w1', { more: { deadline: s.at(60_000) } })
        .expiring('a', 60_000)
        .expiring('b', 60_000),
    args: turn('w1', 0, outcome('a')),
    answer: ['d'],
    keyspace: {
      'task:a': ended({ deadline: '<now+60s>', result: 'value of a' }),
      'stream:normal': lane('2-0', { '2-0': ['b', callOf('b'), 'deadline', '<now+60s>'] }, { w1: ['2-0'] }),
      expiring: zset({ b: '<now+60s>' }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'the key of a task that succeeds, expires or is cancelled is free; that of another is left alone',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { key: 'ka' } })
        .running('b', 'w1', { record: { key: 'kb' } })
        .running('c', 'w1', { record: { key: 'kc', cancel: 'enough' } })
        .running('d', 'w1', { record: { key: 'kd' } })
        .command('MSET', 'P:key:ka', 'a', 'P:key:kb', 'b', 'P:key:kc', 'c', 'P:key:kd', 'other'),
    args: turn(
      ...(['w1', 0] as const),
      outcome('a'),
      outcome('b', { entry: '2-0', state: 'expired' }),
      outcome('c', { entry: '3-0', state: 'cancelled', call: '' }),
      outcome('d', { entry: '4-0' }),
    ),
    answer: ['dddd'],
    keyspace: {
      'task:a': ended({ key: 'ka', result: 'value of a' }),
      'task:b': ended({ entry: '2-0', end: 'e 1 7 <now> w1', key: 'kb', error: 'value of b' }),
      'task:c': hash(
        {
          ...{ entry: '3-0', end: 'c 1 7 <now> w1', key: 'kc', cancel: 'enough' },
          ...{ call: callOf('c'), error: cancelled('enough') },
        },
        '120 s',
      ),
      'task:d': ended({ entry: '4-0', key: 'kd', result: 'value of d' }),
      'key:ka': null,
      'key:kb': null,
      'key:kc': null,
      'stream:normal': lane('4-0', {}, { w1: [] }),
    },
    again: { answer: ['aaaa'] },
  },
  {
    name: 'that of a failed task stays as long as the failure is kept; one that is held for a time, for that time',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { key: 'k' } })
        .holdsKey('a')
        .running('b', 'w1', { record: { key: 'j' } })
        .command('SET', 'P:key:j', 'b', 'PX', 600_000)
        .running('c', 'w1', { record: { key: 'i' } })
        .command('SET', 'P:key:i', 'c', 'PX', 600_000),
    args: turn(
      ...(['w1', 0] as const),
      outcome('a', { state: 'failed' }),
      outcome('b', { entry: '2-0', state: 'failed' }),
      outcome('c', { entry: '3-0' }),
    ),
    answer: ['ddd'],
    keyspace: {
      'task:a': failed({ key: 'k', error: 'value of a' }),
      // As long as their keys.
      'task:b': { ...failed({ entry: '2-0', key: 'j', error: 'value of b' }), expires: '600 s' },
      'task:c': { ...ended({ entry: '3-0', key: 'i', result: 'value of c' }), expires: '600 s' },
      'key:k': { string: 'a', expires: '60 s' },
      'stream:normal': lane('3-0', {}, { w1: [] }),
      failed: zset({ a: '<now>', b: '<now>' }),
    },
    again: { answer: ['aaa'] },
  },
  {
    name: 'the key is held while the task waits for another attempt',
    seed: (s) => s.running('a', 'w1', { record: { key: 'k' } }).holdsKey('a'),
    args: turn('w1', 0, retry(30_000)),
    answer: ['d'],
    published: { control: ['due 30000'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'scheduled/normal', call: callOf('a'), created: '1', key: 'k' },
        ...{ attempt: '1', failures: '1', errors: '1 <now> why', left: '1-0' },
      }),
      'stream:normal': nothing,
      scheduled: zset({ a: '<now+30s>' }),
    },
    again: { answer: ['a'] },
  },
  ...(['succeeded', 'failed'] as const).map(
    (state): Row => ({
      name: `the task that waits for the end of one that has ${state} takes its place, by the same turn if it wants`,
      seed: (s) =>
        s
          .worker('w1')
          .running('a', 'w1', { record: { key: 'k' } })
          .holdsKey('a')
          .waiting('b', 'a', { lane: 'low', client: 'c2' }),
      args: turn('w1', 1, outcome('a', { state })),
      answer: ['d', 'low', ['e1', 'b', callOf('b', 'c2'), '']],
      keyspace: {
        'task:a':
          state === 'succeeded'
            ? ended({ key: 'k', next: 'b', result: 'value of a' })
            : failed({ key: 'k', next: 'b', error: 'value of a' }),
        'task:b': hash({ entry: 'low/e1', created: '50', key: 'k' }),
        'key:k': { string: 'b' },
        'stream:normal': nothing,
        'stream:low': lane('e1', { e1: ['b', callOf('b', 'c2')] }, { w1: ['e1'] }),
        ...(state === 'failed' ? { failed: zset({ a: '<now>' }) } : {}),
      },
      again: { answer: ['a'] },
    }),
  ),
  {
    name: 'one that was cancelled while it waited, or is gone, takes nobody’s place',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { key: 'k', next: 'b' } })
        .holdsKey('a')
        .ended('b', 'cancelled', 'error', { entry: 'waiting/normal', key: 'k' })
        .running('c', 'w1', { record: { key: 'j', next: 'gone' } })
        .command('SET', 'P:key:j', 'c'),
    args: turn('w1', 0, outcome('a'), outcome('c', { entry: '2-0' })),
    answer: ['dd'],
    keyspace: {
      'task:a': ended({ key: 'k', next: 'b', result: 'value of a' }),
      'task:c': ended({ entry: '2-0', key: 'j', next: 'gone', result: 'value of c' }),
      'key:k': null,
      'key:j': null,
      'stream:normal': lane('2-0', {}, { w1: [] }),
    },
    again: { answer: ['aa'] },
  },
  {
    name: 'a key that is held for a time stays held for it, by the task that takes the place',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { key: 'k' } })
        .holdsKey('a', 600_000)
        .waiting('b', 'a'),
    args: turn('w1', 0, outcome('a')),
    answer: ['d'],
    keyspace: {
      'task:a': ended({ key: 'k', next: 'b', result: 'value of a' }),
      'task:b': hash({ entry: 'e1', created: '50', key: 'k' }),
      'key:k': { string: 'b', expires: '600 s' },
      'stream:normal': lane('1-0', { e1: 'b' }, { w1: [] }),
    },
    again: { answer: ['a'] },
  },
]

const pausing: Row[] = [
  {
    name: 'while the queue is paused outcomes are written and nothing is taken',
    seed: (s) => s.worker('w1').command('HSET', 'P:settings', 'paused', '1').running('a', 'w1').queued('b'),
    args: turn('w1', 1, outcome('a', { client: 'c1' })),
    answer: ['d', 'paused'],
    published: { c1: [['a', 'succeeded', 'value of a']] },
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'stream:normal': lane('1-0', { '2-0': 'b' }, { w1: [] }),
    },
    again: { answer: ['a', 'paused'] },
  },
  {
    name: 'who wants nothing is not told so',
    seed: (s) => s.worker('w1').command('HSET', 'P:settings', 'paused', '1'),
    args: turn('w1', 0),
    answer: [''],
  },
  {
    name: 'other settings are no reason to take nothing',
    seed: (s) => s.worker('w1').command('HSET', 'P:settings', 'concurrency', '5').queued('a'),
    args: turn('w1', 1),
    answer: ['', 'normal', ['1-0', 'a', callOf('a'), '']],
    keyspace: { 'stream:normal': lane('1-0', { '1-0': 'a' }, { w1: ['1-0'] }) },
    again: { answer: [''] },
  },
]

/** A time that no row reaches. */
const FAR = '90000000000000'

const timely: Row[] = [
  {
    name: 'what else is known of a task comes along: attempts, failures, crashes, and its times',
    seed: (s) =>
      s
        .worker('w1')
        .queued('a', { more: { attempt: '3', failures: '2', crashes: '1' } })
        .queued('b', { more: { expires: FAR, deadline: FAR } }),
    args: turn('w1', 10),
    answer: [
      ...['', 'normal'],
      [
        ...['1-0', 'a', callOf('a'), 'attempt 3 failures 2 crashes 1'],
        ...['2-0', 'b', callOf('b'), `expires ${FAR} deadline ${FAR}`],
      ],
    ],
    keyspace: {
      'stream:normal': lane(
        '2-0',
        {
          '1-0': ['a', callOf('a'), 'attempt', '3', 'failures', '2', 'crashes', '1'],
          '2-0': ['b', callOf('b'), 'expires', FAR, 'deadline', FAR],
        },
        { w1: ['1-0', '2-0'] },
      ),
    },
    again: { answer: [''] },
  },
  {
    name: 'what comes too late to begin expires with no attempt begun here, everybody is told, and the next one is taken',
    seed: (s) =>
      s
        .worker('w1')
        .queued('a', { client: 'c1', more: { expires: s.at(-1) }, record: { clients: 'c2' } })
        .queued('b', { more: { attempt: '2', deadline: s.at(-1) }, record: { created: '50' } })
        .queued('c'),
    args: turn('w1', 10),
    answer: ['', 'normal', ['3-0', 'c', callOf('c'), '']],
    published: {
      c1: [['a', 'expired', late('start in time')]],
      c2: [['a', 'expired', late('start in time')]],
    },
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: '1-0', end: 'e 0 0 <now> w1', expires: '<now>' },
          ...{ call: callOf('a', 'c1'), error: late('start in time') },
        },
        '120 s',
      ),
      'task:b': hash(
        {
          ...{ entry: '2-0', end: 'e 2 0 <now> w1', created: '50', attempt: '2', deadline: '<now>' },
          ...{ call: callOf('b'), error: late('end before its deadline') },
        },
        '120 s',
      ),
      'stream:normal': lane('3-0', { '3-0': 'c' }, { w1: ['3-0'] }),
    },
    again: { answer: [''] },
  },
  {
    name: 'its key is free then, and who waits for its end takes its place',
    seed: (s) =>
      s
        .worker('w1')
        .queued('a', { more: { expires: s.at(-1) }, record: { key: 'k' } })
        .holdsKey('a')
        .waiting('b', 'a', { lane: 'low' }),
    args: turn('w1', 1),
    // One was wanted, and that one had expired: the workers hear that lanes may not be empty. The next turn brings the other.
    answer: ['', 'normal', []],
    published: { control: ['void'] },
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: '1-0', end: 'e 0 0 <now> w1', expires: '<now>', key: 'k', next: 'b' },
          ...{ call: callOf('a'), error: late('start in time') },
        },
        '120 s',
      ),
      'task:b': hash({ entry: 'low/e1', created: '50', key: 'k' }),
      'key:k': { string: 'b' },
      'stream:normal': lane('1-0', {}, { w1: [] }),
      'stream:low': lane('0-0', { e1: 'b' }),
    },
    again: {
      answer: ['', 'low', ['e1', 'b', callOf('b'), '']],
      keyspace: { 'stream:low': lane('e1', { e1: 'b' }, { w1: ['e1'] }) },
    },
  },
  {
    name: 'what has ended or moved while it was queued is dropped when its turn comes, however late it is',
    seed: (s) =>
      inDoubt(s)
        .worker('w1')
        .entry('normal', 'a', callOf('a'), 'expires', '1')
        .ended('a', 'expired', 'error', { entry: '1-0', end: 'e 0 0 200 ' })
        .entry('normal', 'b', callOf('b'))
        .record('b', { entry: 'scheduled/low' })
        .queued('c'),
    args: turn('w1', 10),
    answer: ['', 'normal', ['3-0', 'c', callOf('c'), '']],
    keyspace: { 'stream:normal': lane('3-0', { '3-0': 'c' }, { w1: ['3-0'] }) },
    again: { answer: [''] },
  },
  {
    name: 'an entry whose times are no numbers is taken, as if it had none',
    seed: (s) =>
      s
        .worker('w1')
        .running('b', 'w1')
        .queued('a', { more: { expires: 'soon' } }),
    args: turn('w1', 10, outcome('b')),
    answer: ['d', 'normal', ['2-0', 'a', callOf('a'), 'expires soon']],
    keyspace: {
      'task:b': ended({ result: 'value of b' }),
      'stream:normal': lane('2-0', { '2-0': ['a', callOf('a'), 'expires', 'soon'] }, { w1: ['2-0'] }),
    },
    again: { answer: ['a'] },
  },
]

/** Put ahead of all others, a newer one than those before. */
const inFront = (s: Seed, id: string) =>
  s
    .record(id, { entry: 'front/first', call: callOf(id), created: '50' })
    .command('LPUSH', 'P:front', id)
    .command('HSET', 'P:settings', 'front', '1')

const newest: Row[] = [
  {
    name: 'those that were put ahead of all come first, the newest before the others',
    seed: (s) => inFront(inFront(inFront(s.worker('w1').queued('z'), 'a'), 'b'), 'c'),
    args: turn('w1', 2),
    answer: ['', 'first', ['e1', 'c', callOf('c'), '', 'e2', 'b', callOf('b'), '']],
    keyspace: {
      'task:b': hash({ entry: 'first/e2', created: '50' }),
      'task:c': hash({ entry: 'first/e1', created: '50' }),
      front: { list: ['a'] },
      'stream:first': lane('e2', { e1: 'c', e2: 'b' }, { w1: ['e1', 'e2'] }),
    },
    again: {
      answer: ['', 'first', ['e3', 'a', callOf('a'), ''], 'normal', ['1-0', 'z', callOf('z'), '']],
      keyspace: {
        'task:a': hash({ entry: 'first/e3', created: '50' }),
        front: null,
        settings: null,
        'stream:first': lane('e3', { e1: 'c', e2: 'b', e3: 'a' }, { w1: ['e1', 'e2', 'e3'] }),
        'stream:normal': lane('1-0', { '1-0': 'z' }, { w1: ['1-0'] }),
      },
    },
  },
  {
    name: 'what has ended or moved meanwhile, or is unknown, is passed over',
    seed: (s) =>
      inFront(s.worker('w1'), 'a')
        .ended('b', 'cancelled', 'error', { entry: 'front/first' })
        .queued('c', { lane: 'low' })
        .command('SET', 'P:task:d', 'junk')
        .command('LPUSH', 'P:front', 'b', 'c', 'd', 'e'),
    args: turn('w1', 5),
    answer: ['', 'first', ['e1', 'a', callOf('a'), ''], 'low', ['1-0', 'c', callOf('c'), '']],
    keyspace: {
      'task:a': hash({ entry: 'first/e1', created: '50' }),
      front: null,
      settings: null,
      'stream:first': lane('e1', { e1: 'a' }, { w1: ['e1'] }),
      'stream:low': lane('1-0', { '1-0': 'c' }, { w1: ['1-0'] }),
    },
    again: { answer: [''] },
  },
]

/** Of 2,000 bytes. */
function large(call: string): string {
  return call + 'x'.repeat(2_000 - call.length)
}

function tooLarge(): string {
  return `PayloadTooLargeError ERR_MILLRACE_PAYLOAD_TOO_LARGE: the call has 2000 bytes; this worker takes at most ${MAX_CALL}`
}

const rows = [...outcomes, ...trimming, ...taking, ...retries, ...parking, ...endings]
rows.push(...pausing, ...timely, ...newest)
for (const [name, test] of table('turn', rows)) it(name, test)
