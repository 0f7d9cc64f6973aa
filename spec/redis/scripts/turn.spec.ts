/** turn: each outcome is written once, under the token of the task alone; new work comes lane by lane. */

import { it } from 'node:test'
import type { FrameItem } from '../../../lib/redis/frame.ts'
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
  state?: 'succeeded' | 'failed'
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
const untidy = hash({ normal: '' })

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
      untidy,
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
      untidy,
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
      untidy: hash({ low: '' }),
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
    },
    again: { answer: ['a'] },
  },
  {
    name: 'under a group that was made anew an outcome counts, and what is unread again stays until it is read',
    seed: (s) => s.queued('a').queued('b').untidy('normal'),
    args: turn('w1', 0, outcome('a')),
    answer: ['d'],
    keyspace: { 'task:a': ended({ result: 'value of a' }), untidy: null },
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
    answer: ['', 'first', ['1-0', 'a', callOf('a'), '2']],
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
    name: 'entries that nobody can run are quarantined, old ones dropped, and the good one among them is taken',
    seed: (s) =>
      s
        .worker('w1')
        .entry('normal', 'bad id!', 'sample 1')
        .entry('normal', 'x'.repeat(129), 'y'.repeat(300))
        .entry('normal', 'three', 'fields', 'too', 'many')
        .record('three', { entry: '3-0' })
        .entry('normal', 'six', 'fields', 'attempt', '1', 'and', 'more')
        .record('six', { entry: '4-0' })
        .entry('normal', 'other', 'sample 5')
        .command('SET', 'P:task:other', 'junk')
        .entry('normal', 'junk', 'sample 6')
        .record('junk', { note: 'not ours' })
        .entry('normal', 'done', callOf('done'))
        .ended('done', 'succeeded', 'value', { entry: '7-0' })
        .entry('normal', 'moved', callOf('moved'))
        .record('moved', { entry: 'first/8-0' })
        .queued('good'),
    args: turn('w1', 10),
    answer: ['', 'normal', ['9-0', 'good', callOf('good'), '']],
    keyspace: {
      'stream:normal': lane('9-0', { '9-0': 'good' }, { w1: ['9-0'] }),
      quarantine: {
        list: [
          ['<now>', 'normal/6-0', 'no record', 'sample 6'],
          ['<now>', 'normal/5-0', 'record of another type', 'sample 5'],
          ['<now>', 'normal/4-0', 'not a call', 'fields'],
          ['<now>', 'normal/3-0', 'not a call', 'fields'],
          ['<now>', 'normal/2-0', 'no record', 'y'.repeat(256)],
          ['<now>', 'normal/1-0', 'no record', 'sample 1'],
        ],
      },
    },
    again: { answer: [''] },
  },
  {
    name: 'where nothing of what was read can be run, nothing comes',
    seed: (s) => s.worker('w1').entry('normal', 'a', 'sample').entry('low', 'b', 'sample'),
    args: turn('w1', 10),
    answer: ['', 'normal', [], 'low', []],
    keyspace: {
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
    name: 'what a group that was made anew delivers again is dropped if its task has ended, and else taken',
    seed: (s) =>
      s
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

/** Of 2,000 bytes. */
function large(call: string): string {
  return call + 'x'.repeat(2_000 - call.length)
}

function tooLarge(): string {
  return `PayloadTooLargeError ERR_MILLRACE_PAYLOAD_TOO_LARGE: the call has 2000 bytes; this worker takes at most ${MAX_CALL}`
}

for (const [name, test] of table('turn', [...outcomes, ...trimming, ...taking])) it(name, test)
