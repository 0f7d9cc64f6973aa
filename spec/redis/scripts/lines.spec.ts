/** Limits, script by script: the line of a key, its slots and its rate, and the turns of keys (shared/lines.lua). */

import { describe, it } from 'node:test'
import type { FrameItem } from '../../../lib/redis/frame.ts'
import { callOf, hash, lane, type Value, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'
import type { Seed, SeededTask } from '../../support/seed.ts'

const [NUMBER_1, NUMBER_2, NUMBER_3] = ['0000000001', '0000000002', '0000000003']

/** The record of a task that waits in the line of its key. */
const waits = (id: string, limit: string, fields: Record<string, string> = {}): Value =>
  hash({
    ...{ entry: 'line/normal', line: NUMBER_1, limit, tied: '1', call: callOf(id), created: '50' },
    ...fields,
  })
/** Of one that went from there into lane first. */
const begun = (entry: string, limit: string, fields: Record<string, string> = {}): Value =>
  hash({ entry, limit, tied: '1', created: '50', home: 'normal', ...fields })
const lines = hash({ lines: '1' })

/** It runs at w1, through lane first, and holds a slot. */
const holds = (s: Seed, id: string, limit: string, more: SeededTask = {}): Seed =>
  s.running(id, 'w1', {
    ...{ lane: 'first', ...more },
    record: { limit, tied: '1', created: '50', home: 'normal', ...more.record },
  })
/** What `holds` leaves in the record. */
const held = { limit: 'k 1 0 0', tied: '1', created: '50', home: 'normal' }

const to = (id: string, ...how: FrameItem[]): FrameItem[] => [['normal', ...how], id, callOf(id)]
const sent = (...calls: FrameItem[][]): FrameItem[] => ['0', '', '', ...calls.flat()]

const enqueue: Row[] = [
  {
    name: 'calls of a key wait in its line, and the workers hear once that there is something',
    args: sent(to('a', 'line', 'k', 'slots', 2), to('b', 'line', 'k', 'slots', 2)),
    answer: 2,
    published: { control: ['front'] },
    keyspace: {
      'task:a': waits('a', 'k 2 0 0', { created: '<now>' }),
      'task:b': waits('b', 'k 2 0 0', { created: '<now>', line: NUMBER_2 }),
      'line:normal': zset({ [`k ${NUMBER_1} a`]: '0', [`k ${NUMBER_2} b`]: '0' }),
      'limit:k': hash({ numbers: '2 0 0', last: '2' }),
      ring: zset({ k: '1' }),
      settings: lines,
    },
    again: { answer: 0 },
  },
  {
    name: 'each lane has its part of the line; keys without numbers take turns; those that are told of already are no news',
    seed: (s) => s.lined('x', 'k 0 0 0').limit('k', '0 0 0').ring('k'),
    args: sent([['low', 'line', 'k'], 'a', callOf('a')], to('b', 'line', 'm', 'max', 5, 'per', 1_000)),
    answer: 2,
    keyspace: {
      'task:a': waits('a', 'k 0 0 0', { entry: 'line/low', created: '<now>', line: NUMBER_2 }),
      'task:b': waits('b', 'm 0 5 1000', { created: '<now>' }),
      'line:low': zset({ [`k ${NUMBER_2} a`]: '0' }),
      'line:normal': zset({ [`k ${NUMBER_1} x`]: '0', [`m ${NUMBER_1} b`]: '0' }),
      'limit:k': hash({ numbers: '0 0 0', last: '2' }),
      'limit:m': hash({ numbers: '0 5 1000', last: '1' }),
      ring: zset({ k: '1', m: '2' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'the numbers of the newest call count: more slots let a key go that waited for one',
    seed: (s) => holds(s, 'x', 'k 1 0 0').limit('k', '1 0 0', { busy: ['x'] }),
    args: sent(to('a', 'line', 'k', 'slots', 2)),
    answer: 1,
    published: { control: ['front'] },
    keyspace: {
      'task:a': waits('a', 'k 2 0 0', { created: '<now>', line: NUMBER_2 }),
      'line:normal': zset({ [`k ${NUMBER_2} a`]: '0' }),
      'limit:k': hash({ numbers: '2 0 0', last: '2' }),
      ring: zset({ k: '1' }),
      settings: lines,
    },
    again: { answer: 0 },
  },
  {
    name: 'a key without a free slot is not in the ring, and looked at again in a minute',
    seed: (s) => holds(s, 'x', 'k 1 0 0').limit('k', '1 0 0', { busy: ['x'] }),
    args: sent(to('a', 'line', 'k', 'slots', 1)),
    answer: 1,
    published: { control: ['due 60000'] },
    keyspace: {
      'task:a': waits('a', 'k 1 0 0', { created: '<now>', line: NUMBER_2 }),
      'line:normal': zset({ [`k ${NUMBER_2} a`]: '0' }),
      'limit:k': hash({ numbers: '1 0 0', last: '2' }),
      resting: zset({ k: '<now+60s>' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'a slot whose task is gone, has ended, or lies in no lane is free',
    seed: (s) =>
      s
        .ended('x', 'succeeded', 'value')
        .scheduled('y', 90_000)
        .limit('k', '3 0 0', { busy: ['x', 'y', 'z'] }),
    args: sent(to('a', 'line', 'k', 'slots', 3)),
    answer: 1,
    published: { control: ['front', 'due 60000'] },
    keyspace: {
      'task:a': waits('a', 'k 3 0 0', { created: '<now>', line: NUMBER_2 }),
      'line:normal': zset({ [`k ${NUMBER_2} a`]: '0' }),
      'limit:k': hash({ numbers: '3 0 0', last: '2' }),
      'busy:k': null,
      ring: zset({ k: '1' }),
      resting: zset({ k: '<now+60s>' }),
      settings: lines,
    },
    again: { answer: 0 },
  },
  {
    name: 'a key at its rate rests until the first of its last starts is old enough',
    seed: (s) => s.limit('k', '0 2 60000', { rate: [-40_000, -10_000] }),
    args: sent(to('a', 'line', 'k', 'max', 2, 'per', 60_000)),
    answer: 1,
    published: { control: ['due 20000'] },
    keyspace: {
      'task:a': waits('a', 'k 0 2 60000', { created: '<now>', line: NUMBER_2 }),
      'line:normal': zset({ [`k ${NUMBER_2} a`]: '0' }),
      'limit:k': hash({ numbers: '0 2 60000', last: '2' }),
      resting: zset({ k: '<now+20s>' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'starts that are still to come, as after the clock was set back, count for nothing',
    seed: (s) => s.limit('k', '0 1 60000', { rate: [3_600_000] }),
    args: sent(to('a', 'line', 'k', 'max', 1, 'per', 60_000)),
    answer: 1,
    published: { control: ['front'] },
    keyspace: {
      'task:a': waits('a', 'k 0 1 60000', { created: '<now>', line: NUMBER_2 }),
      'line:normal': zset({ [`k ${NUMBER_2} a`]: '0' }),
      'limit:k': hash({ numbers: '0 1 60000', last: '2' }),
      'rate:k': null,
      ring: zset({ k: '1' }),
      settings: lines,
    },
    again: { answer: 0 },
  },
  {
    name: 'a call for later, and one that follows another of its dedupe key, keep their limit for their time',
    seed: (s) => s.running('x', 'w1', { record: { key: 'k' } }).holdsKey('x'),
    args: sent(
      to('a', 'line', 'm', 'slots', 1, 'in', 30_000),
      to('b', 'line', 'm', 'slots', 1, 'key', 'k', 'again', 1),
    ),
    answer: 2,
    published: { control: ['due 30000'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'scheduled/normal', call: callOf('a'), created: '<now>' },
        ...{ limit: 'm 1 0 0', tied: '1' },
      }),
      'task:b': hash({
        ...{ entry: 'waiting/normal', call: callOf('b'), created: '<now>', key: 'k' },
        ...{ limit: 'm 1 0 0', tied: '1' },
      }),
      'task:x': hash({ entry: '1-0', key: 'k', next: 'b' }),
      scheduled: zset({ a: '<now+30s>' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'of a follower the newest call counts, also which key it waits under',
    seed: (s) =>
      s
        .running('x', 'w1', { record: { key: 'k' } })
        .holdsKey('x')
        .waiting('y', 'x', { record: { limit: 'm 1 0 0', tied: '1' } }),
    args: sent(to('a', 'line', 'n', 'slots', 2, 'key', 'k', 'again', 1)),
    answer: [0, 1, 'y waiting'],
    keyspace: {
      'task:y': hash({
        ...{ entry: 'waiting/normal', call: callOf('a'), created: '50', key: 'k' },
        ...{ limit: 'n 2 0 0', tied: '1' },
      }),
      'joined:a': { string: 'y', expires: '60 s' },
    },
  },
  {
    name: 'what waits in lines counts as waiting where there is a cap',
    seed: (s) => s.lined('x', 'k 0 0 0').limit('k', '0 0 0').ring('k'),
    args: ['0', '2', '', ...to('a', 'line', 'k'), ...to('b', 'line', 'k')],
    answer: [1, 2, 'full'],
    keyspace: {
      'task:a': waits('a', 'k 0 0 0', { created: '<now>', line: NUMBER_2 }),
      'line:normal': zset({ [`k ${NUMBER_1} x`]: '0', [`k ${NUMBER_2} a`]: '0' }),
      'limit:k': hash({ numbers: '0 0 0', last: '2' }),
    },
    again: { answer: [0, 2, 'full'] },
  },
  {
    name: 'a ttl is watched in the line as in a lane',
    args: sent(to('a', 'line', 'k', 'ttl', 30_000)),
    answer: 1,
    published: { control: ['front', 'due 30000'] },
    keyspace: {
      'task:a': waits('a', 'k 0 0 0', { created: '<now>', expires: '<now+30s>' }),
      'line:normal': zset({ [`k ${NUMBER_1} a`]: '0' }),
      'limit:k': hash({ numbers: '0 0 0', last: '1' }),
      expiring: zset({ a: '<now+30s>' }),
      ring: zset({ k: '1' }),
      settings: lines,
    },
    again: { answer: 0 },
  },
]

const turn = (want: number, ...outcomes: FrameItem[]): FrameItem[] => [
  ...['w1', want, 1_000, 3, 120_000],
  ...outcomes,
]
/** Of x, which runs in lane first under 1-0. */
const outcome = (state = 'succeeded', ttl = 60_000, value = 'value', call = 'kept'): FrameItem[] => [
  ...['first', state, 1, ttl],
  ...['x', '1-0', 7, value, call, ''],
]
const ended = (fields: Record<string, string> = {}) =>
  hash(
    { entry: 'first/1-0', end: 's 1 7 <now> w1', call: 'kept', result: 'value', ...held, ...fields },
    '60 s',
  )
const task = (id: string) => [id, callOf(id), '']

const turns: Row[] = [
  {
    name: 'keys take turns, one task each, and the last of them has what is left; the first of a key goes first',
    seed: (s) =>
      s
        .worker('w1')
        .lined('a1', 'A 0 0 0')
        .lined('a2', 'A 0 0 0', { number: 2 })
        .lined('a3', 'A 0 0 0', { number: 3 })
        .lined('b1', 'B 0 0 0')
        .limit('A', '0 0 0', { last: 3 })
        .limit('B', '0 0 0')
        .ring('A', 'B'),
    args: turn(4),
    answer: [
      ...['', 'first', ['e1', ...task('a1'), 'e2', ...task('b1')]],
      ...['first', ['e3', ...task('a2'), 'e4', ...task('a3')]],
    ],
    keyspace: {
      'task:a1': begun('first/e1', 'A 0 0 0'),
      'task:b1': begun('first/e2', 'B 0 0 0'),
      'task:a2': begun('first/e3', 'A 0 0 0'),
      'task:a3': begun('first/e4', 'A 0 0 0'),
      'stream:first': lane(
        'e4',
        { e1: 'a1', e2: 'b1', e3: 'a2', e4: 'a3' },
        { w1: ['e1', 'e2', 'e3', 'e4'] },
      ),
      'line:normal': null,
      'limit:A': null,
      'limit:B': null,
      ring: null,
      settings: null,
    },
    again: { answer: [''] },
  },
  {
    name: 'of one key lanes go in their order; its lane is the task’s own still',
    seed: (s) =>
      s
        .worker('w1')
        .lined('a', 'k 0 0 0', { lane: 'low' })
        .lined('b', 'k 0 0 0', { number: 2 })
        .lined('c', 'k 0 0 0', { number: 3, lane: 'first' })
        .limit('k', '0 0 0', { last: 3 })
        .ring('k'),
    args: turn(2),
    answer: ['', 'first', ['e1', ...task('c')], 'first', ['e2', ...task('b')]],
    keyspace: {
      'task:c': hash({ entry: 'first/e1', limit: 'k 0 0 0', tied: '1', created: '50' }),
      'task:b': begun('first/e2', 'k 0 0 0'),
      'stream:first': lane('e2', { e1: 'c', e2: 'b' }, { w1: ['e1', 'e2'] }),
      'line:normal': null,
      'line:first': null,
      ring: zset({ k: '2' }),
    },
    again: {
      answer: ['', 'first', ['e3', ...task('a')]],
      keyspace: {
        'task:a': begun('first/e3', 'k 0 0 0', { home: 'low' }),
        'stream:first': lane('e3', { e1: 'c', e2: 'b', e3: 'a' }, { w1: ['e1', 'e2', 'e3'] }),
        'line:low': null,
        'limit:k': null,
        ring: null,
        settings: null,
      },
    },
  },
  {
    name: 'half of the room is for lines and half for lanes, behind lane first; what one leaves is the other’s',
    seed: (s) =>
      s
        .worker('w1')
        .queued('f', { lane: 'first' })
        .queued('n1')
        .queued('n2')
        .queued('n3')
        .lined('a1', 'A 0 0 0')
        .lined('a2', 'A 0 0 0', { number: 2 })
        .lined('a3', 'A 0 0 0', { number: 3 })
        .limit('A', '0 0 0', { last: 3 })
        .ring('A'),
    args: turn(5),
    answer: [
      ...['', 'first', ['1-0', ...task('f')], 'first', ['e1', ...task('a1'), 'e2', ...task('a2')]],
      ...['normal', ['2-0', ...task('n1'), '3-0', ...task('n2')]],
    ],
    keyspace: {
      'task:a1': begun('first/e1', 'A 0 0 0'),
      'task:a2': begun('first/e2', 'A 0 0 0'),
      'stream:first': lane('e2', { '1-0': 'f', e1: 'a1', e2: 'a2' }, { w1: ['1-0', 'e1', 'e2'] }),
      'stream:normal': lane('3-0', { '2-0': 'n1', '3-0': 'n2', '4-0': 'n3' }, { w1: ['2-0', '3-0'] }),
      'line:normal': zset({ [`A ${NUMBER_3} a3`]: '0' }),
      ring: zset({ A: '1' }),
    },
    again: {
      answer: ['', 'first', ['e3', ...task('a3')], 'normal', ['4-0', ...task('n3')]],
      keyspace: {
        'task:a3': begun('first/e3', 'A 0 0 0'),
        'stream:first': lane(
          'e3',
          { '1-0': 'f', e1: 'a1', e2: 'a2', e3: 'a3' },
          { w1: ['1-0', 'e1', 'e2', 'e3'] },
        ),
        'stream:normal': lane(
          '4-0',
          { '2-0': 'n1', '3-0': 'n2', '4-0': 'n3' },
          { w1: ['2-0', '3-0', '4-0'] },
        ),
        'line:normal': null,
        'limit:A': null,
        ring: null,
        settings: null,
      },
    },
  },
  {
    name: 'no more of a key than it has slots; then it is out of the ring, and the others go on',
    seed: (s) =>
      s
        .worker('w1')
        .lined('a1', 'A 1 0 0')
        .lined('a2', 'A 1 0 0', { number: 2 })
        .lined('b1', 'B 1 0 0')
        .limit('A', '1 0 0', { last: 2 })
        .limit('B', '1 0 0')
        .ring('A', 'B'),
    args: turn(8),
    answer: ['', 'first', ['e1', ...task('a1'), 'e2', ...task('b1')]],
    published: { control: ['due 60000'] },
    keyspace: {
      'task:a1': begun('first/e1', 'A 1 0 0'),
      'task:b1': begun('first/e2', 'B 1 0 0'),
      'stream:first': lane('e2', { e1: 'a1', e2: 'b1' }, { w1: ['e1', 'e2'] }),
      'line:normal': zset({ [`A ${NUMBER_2} a2`]: '0' }),
      'busy:A': { set: ['a1'] },
      'busy:B': { set: ['b1'] },
      resting: zset({ A: '<now+60s>' }),
      ring: null,
      settings: null,
    },
    again: { answer: [''] },
  },
  {
    name: 'no more begin than the rate allows; each start is remembered, and the key rests until the next',
    seed: (s) =>
      s
        .worker('w1')
        .lined('a', 'k 0 3 60000')
        .lined('b', 'k 0 3 60000', { number: 2 })
        .lined('c', 'k 0 3 60000', { number: 3 })
        .limit('k', '0 3 60000', { last: 3, rate: [-40_000] })
        .ring('k'),
    args: turn(8),
    answer: ['', 'first', ['e1', ...task('a'), 'e2', ...task('b')]],
    published: { control: ['due 20000'] },
    keyspace: {
      'task:a': begun('first/e1', 'k 0 3 60000'),
      'task:b': begun('first/e2', 'k 0 3 60000'),
      'stream:first': lane('e2', { e1: 'a', e2: 'b' }, { w1: ['e1', 'e2'] }),
      'line:normal': zset({ [`k ${NUMBER_3} c`]: '0' }),
      'rate:k': { list: ['<now-40s>', '<now>', '<now>'], expires: '60 s' },
      resting: zset({ k: '<now+20s>' }),
      ring: null,
      settings: null,
    },
    again: { answer: [''] },
  },
  {
    name: 'of the starts as many are kept as count',
    seed: (s) =>
      s
        .worker('w1')
        .lined('a', 'k 0 2 60000')
        .limit('k', '0 2 60000', { rate: [-90_000, -80_000, -70_000] })
        .ring('k'),
    args: turn(2),
    answer: ['', 'first', ['e1', ...task('a')]],
    keyspace: {
      'task:a': begun('first/e1', 'k 0 2 60000'),
      'stream:first': lane('e1', { e1: 'a' }, { w1: ['e1'] }),
      'line:normal': null,
      'limit:k': null,
      'rate:k': { list: ['<now-70s>', '<now>'], expires: '60 s' },
      ring: null,
      settings: null,
    },
    again: { answer: [''] },
  },
  {
    name: 'an outcome frees the slot, and the same turn takes the next of the key',
    seed: (s) =>
      holds(s.worker('w1'), 'x', 'k 1 0 0')
        .lined('a', 'k 1 0 0', { number: 2 })
        .limit('k', '1 0 0', { last: 2, busy: ['x'] })
        .resting('k', 60_000),
    args: turn(2, outcome()),
    answer: ['d', 'first', ['e1', ...task('a')]],
    keyspace: {
      'task:x': ended(),
      'task:a': begun('first/e1', 'k 1 0 0'),
      'stream:first': lane('e1', { e1: 'a' }, { w1: ['e1'] }),
      'line:normal': null,
      'busy:k': { set: ['a'] },
    },
    again: { answer: ['a'] },
  },
  {
    name: 'where its worker wants nothing the others hear of it',
    seed: (s) =>
      holds(s.worker('w1'), 'x', 'k 1 0 0')
        .lined('a', 'k 1 0 0', { number: 2 })
        .limit('k', '1 0 0', { last: 2, busy: ['x'] }),
    args: turn(0, outcome()),
    answer: ['d'],
    published: { control: ['front'] },
    keyspace: {
      'task:x': ended(),
      'stream:first': lane('1-0', {}, { w1: [] }),
      'busy:k': null,
      ring: zset({ k: '1' }),
      settings: lines,
    },
    again: { answer: ['a'] },
  },
  {
    name: 'of the last task of a key nothing is left but its record',
    seed: (s) =>
      holds(s.worker('w1'), 'x', 'k 1 0 0')
        .limit('k', '1 0 0', { busy: ['x'] })
        .resting('k', 60_000),
    args: turn(0, outcome()),
    answer: ['d'],
    keyspace: {
      'task:x': ended(),
      'stream:first': lane('1-0', {}, { w1: [] }),
      'busy:k': null,
      'limit:k': null,
      resting: null,
    },
    again: { answer: ['a'] },
  },
  {
    name: 'one that is retried later has left its slot',
    seed: (s) =>
      holds(s.worker('w1'), 'x', 'k 1 0 0')
        .lined('a', 'k 1 0 0', { number: 2 })
        .limit('k', '1 0 0', { last: 2, busy: ['x'] }),
    args: turn(0, outcome('retry', 30_000, 'why', '')),
    answer: ['d'],
    published: { control: ['front', 'due 30000'] },
    keyspace: {
      'task:x': hash({
        ...{ entry: 'scheduled/normal', call: callOf('x'), ...held },
        ...{ attempt: '1', failures: '1', errors: '1 <now> why', left: 'first/1-0' },
      }),
      'stream:first': lane('1-0', {}, { w1: [] }),
      'busy:k': null,
      scheduled: zset({ x: '<now+30s>' }),
      ring: zset({ k: '1' }),
      settings: lines,
    },
    again: { answer: ['a'] },
  },
  {
    name: 'one that is retried at once goes to the end of its line, and the next takes the slot',
    seed: (s) =>
      holds(s.worker('w1'), 'x', 'k 1 0 0')
        .lined('a', 'k 1 0 0', { number: 2 })
        .limit('k', '1 0 0', { last: 2, busy: ['x'] }),
    args: turn(2, outcome('retry', 0, 'why', '')),
    answer: ['d', 'first', ['e1', ...task('a')]],
    published: { control: ['due 60000'] },
    keyspace: {
      'task:x': hash({
        ...{ entry: 'line/normal', line: NUMBER_3, call: callOf('x'), ...held },
        ...{ attempt: '1', failures: '1', errors: '1 <now> why', left: 'first/1-0' },
      }),
      'task:a': begun('first/e1', 'k 1 0 0'),
      'stream:first': lane('e1', { e1: 'a' }, { w1: ['e1'] }),
      'line:normal': zset({ [`k ${NUMBER_3} x`]: '0' }),
      'limit:k': hash({ numbers: '1 0 0', last: '3' }),
      'busy:k': { set: ['a'] },
      resting: zset({ k: '<now+60s>' }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'one that is parked has left its slot',
    seed: (s) => holds(s.worker('w1'), 'x', 'k 1 0 0').limit('k', '1 0 0', { busy: ['x'] }),
    args: turn(0, outcome('parked', 60_000, 'add', '')),
    answer: ['d'],
    published: { control: ['due 60000'] },
    keyspace: {
      'task:x': hash({
        ...{ entry: 'parked/normal', call: callOf('x'), ...held, unknown: 'add', left: 'first/1-0' },
      }),
      'stream:first': lane('1-0', {}, { w1: [] }),
      'busy:k': null,
      'limit:k': null,
      parked: zset({ 'add/x': '0' }),
      expiring: zset({ x: '<now+60s>' }),
    },
    again: { answer: ['a'] },
  },
  {
    name: 'a task that waited for the end of another goes into its line then',
    seed: (s) =>
      holds(s.worker('w1'), 'x', 'k 1 0 0')
        .limit('k', '1 0 0', { busy: ['x'] })
        .command('HSET', 'P:deps:x', 'a', '0')
        .record('a', {
          ...{ entry: 'waiting/normal', call: callOf('a'), created: '50', limit: 'm 1 0 0', tied: '1' },
          ...{ after: 'x', policy: 'f', needs: '1' },
        }),
    args: turn(0, outcome()),
    answer: ['d'],
    published: { control: ['front'] },
    keyspace: {
      'task:x': ended(),
      'task:a': waits('a', 'm 1 0 0', { after: 'x', policy: 'f' }),
      'stream:first': lane('1-0', {}, { w1: [] }),
      'line:normal': zset({ [`m ${NUMBER_1} a`]: '0' }),
      'limit:m': hash({ numbers: '1 0 0', last: '1' }),
      'deps:x': null,
      'busy:k': null,
      'limit:k': null,
      ring: zset({ m: '1' }),
      settings: lines,
    },
    again: { answer: ['a'] },
  },
  {
    name: 'who waits in the line no more is passed over, and the next goes in its place',
    seed: (s) =>
      s
        .worker('w1')
        .lined('a', 'k 0 0 0')
        .ended('a', 'cancelled', 'error', { entry: 'line/normal' })
        .command('ZADD', 'P:line:normal', 0, `k ${NUMBER_2} gone`, 0, `k ${NUMBER_3} junk`)
        .command('SET', 'P:task:junk', 'junk')
        .lined('b', 'k 0 0 0', { number: 4 })
        .limit('k', '0 0 0', { last: 4 })
        .ring('k', 'nobody'),
    args: turn(4),
    answer: ['', 'first', ['e1', ...task('b')]],
    keyspace: {
      'task:b': begun('first/e1', 'k 0 0 0'),
      'stream:first': lane('e1', { e1: 'b' }, { w1: ['e1'] }),
      'line:normal': null,
      'limit:k': null,
      ring: null,
      settings: null,
    },
    again: { answer: [''] },
  },
  {
    name: 'while the queue is paused nothing leaves its line',
    seed: (s) =>
      s
        .worker('w1')
        .lined('a', 'k 0 0 0')
        .limit('k', '0 0 0')
        .ring('k')
        .command('HSET', 'P:settings', 'paused', '1'),
    args: turn(4),
    answer: ['', 'paused'],
  },
]

/** At most 10 of each kind; failures are kept for 120 s, three at most. */
const promote: FrameItem[] = [10, 120_000, 3]
/** Without the times. */
const promoted = (answer: unknown): unknown => (answer as unknown[]).slice(2)

const promotions: Row[] = [
  {
    name: 'a key that has rested takes its turn again, and the workers hear it; others rest on',
    seed: (s) =>
      s
        .lined('a', 'k 0 1 60000')
        .limit('k', '0 1 60000')
        .resting('k', -1)
        .lined('b', 'm 0 1 60000')
        .limit('m', '0 1 60000')
        .resting('m', 30_000),
    args: promote,
    answer: [0, 0],
    published: { control: ['front'] },
    keyspace: { resting: zset({ m: '<now+30s>' }), ring: zset({ k: '1' }), settings: lines },
  },
  {
    name: 'one under which nobody waits any more is forgotten',
    seed: (s) => s.limit('k', '0 1 60000').resting('k', -1),
    args: promote,
    answer: [0, 0],
    keyspace: { resting: null, 'limit:k': null },
  },
  {
    name: 'a task that is due goes into the line of its key, with the numbers that its call brought',
    seed: (s) => s.scheduled('a', -1, { record: { limit: 'k 2 0 0', tied: '1' } }),
    args: promote,
    answer: [1, 0],
    published: { control: ['front'] },
    keyspace: {
      'task:a': waits('a', 'k 2 0 0'),
      'line:normal': zset({ [`k ${NUMBER_1} a`]: '0' }),
      'limit:k': hash({ numbers: '2 0 0', last: '1' }),
      scheduled: null,
      ring: zset({ k: '1' }),
      settings: lines,
    },
    again: { answer: [0, 0] },
  },
  {
    name: 'whose time is over in the line ends there, and nothing of it is left',
    seed: (s) =>
      s
        .lined('a', 'k 1 0 0', { record: { expires: s.at(-1) } })
        .expiring('a', -1)
        .limit('k', '1 0 0')
        .ring('k'),
    args: promote,
    answer: [0, 1],
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: 'line/normal', limit: 'k 1 0 0', tied: '1', created: '50', call: callOf('a') },
          ...{ expires: '<now>', end: 'e 0 0 <now> ' },
          error: 'TaskExpiredError ERR_MILLRACE_TASK_EXPIRED: the task did not start in time',
        },
        '120 s',
      ),
      'line:normal': null,
      'limit:k': null,
      expiring: null,
      ring: null,
      settings: null,
    },
    again: { answer: [0, 0] },
  },
  {
    name: 'of a ring that the settings do not name the workers hear',
    seed: (s) => s.lined('a', 'k 1 0 0').limit('k', '1 0 0').command('ZADD', 'P:ring', 1, 'k'),
    args: promote,
    answer: [0, 0],
    published: { control: ['front'] },
    keyspace: { settings: lines },
  },
]

const cancelled = (entry: string, fields: Record<string, string>) =>
  hash(
    {
      ...{ entry, created: '50', call: callOf('a'), end: 'c 0 0 <now> ', ...fields },
      error: 'TaskCancelledError ERR_MILLRACE_TASK_CANCELLED: why',
    },
    '60 s',
  )

const cancels: Row[] = [
  {
    name: 'one that waits in a line leaves it; others of its key go on',
    seed: (s) =>
      s.lined('a', 'k 1 0 0').lined('b', 'k 1 0 0', { number: 2 }).limit('k', '1 0 0', { last: 2 }).ring('k'),
    args: ['a', 'why', 60_000],
    answer: 'cancelled',
    keyspace: {
      'task:a': cancelled('line/normal', { limit: 'k 1 0 0', tied: '1' }),
      'line:normal': zset({ [`k ${NUMBER_2} b`]: '0' }),
    },
  },
  {
    name: 'one that came back with its slot gives it to the next',
    seed: (s) =>
      s
        .queued('a', { lane: 'first', record: held })
        .lined('b', 'k 1 0 0', { number: 2 })
        .limit('k', '1 0 0', { last: 2, busy: ['a'] }),
    args: ['a', 'why', 60_000],
    answer: 'cancelled',
    published: { control: ['void', 'front'] },
    keyspace: {
      'task:a': cancelled('first/1-0', held),
      'busy:k': null,
      ring: zset({ k: '1' }),
      settings: lines,
    },
  },
]

const others: Record<string, Row[]> = {
  move: [
    {
      name: 'one that waits in a line goes to another lane there, as its last',
      seed: (s) =>
        s
          .lined('a', 'k 1 0 0')
          .lined('b', 'k 1 0 0', { number: 2, lane: 'high' })
          .limit('k', '1 0 0', { last: 2 })
          .ring('k'),
      args: ['a', 'high'],
      answer: 'moved',
      keyspace: {
        'task:a': waits('a', 'k 1 0 0', { entry: 'line/high', line: NUMBER_3 }),
        'line:normal': null,
        'line:high': zset({ [`k ${NUMBER_2} b`]: '0', [`k ${NUMBER_3} a`]: '0' }),
        'limit:k': hash({ numbers: '1 0 0', last: '3' }),
      },
      again: { answer: 'there' },
    },
  ],
  redrive: [
    {
      name: 'one that has failed goes into its line again',
      seed: (s) =>
        s
          .failed('a', 1)
          .record('a', { entry: 'first/9-0', limit: 'k 1 0 0', tied: '1', home: 'low', created: '50' }),
      args: ['a'],
      answer: ['retried'],
      published: { control: ['front'] },
      keyspace: {
        'task:a': hash({
          ...{ entry: 'line/low', line: NUMBER_1, limit: 'k 1 0 0', tied: '1', home: 'low' },
          ...{ created: '50', call: callOf('a'), errors: '1 200 error of a' },
        }),
        'line:low': zset({ [`k ${NUMBER_1} a`]: '0' }),
        'limit:k': hash({ numbers: '1 0 0', last: '1' }),
        failed: null,
        ring: zset({ k: '1' }),
        settings: lines,
      },
      again: { answer: ['alive'] },
    },
  ],
  release: [
    {
      name: 'one that is given back at once keeps its slot',
      seed: (s) => holds(s, 'x', 'k 1 0 0').limit('k', '1 0 0', { busy: ['x'] }),
      args: ['w1', 60_000, 'first', '1-0', 0],
      answer: 'd',
      keyspace: {
        'task:x': hash({ entry: 'first/e1', attempt: '0', ...held }),
        'stream:first': lane('1-0', { e1: 'x' }, { w1: [] }),
      },
      again: { answer: 'f' },
    },
    {
      name: 'one that is given back for later has left it, and waits ahead of others when its time has come',
      seed: (s) =>
        holds(s, 'x', 'k 1 0 0')
          .lined('a', 'k 1 0 0', { number: 2 })
          .limit('k', '1 0 0', { last: 2, busy: ['x'] }),
      args: ['w1', 60_000, 'first', '1-0', 30_000],
      answer: 'd',
      published: { control: ['front', 'due 30000'] },
      keyspace: {
        'task:x': hash({ entry: 'scheduled/first', attempt: '0', call: callOf('x'), ...held }),
        'stream:first': lane('1-0', {}, { w1: [] }),
        'busy:k': null,
        scheduled: zset({ x: '<now+30s>' }),
        ring: zset({ k: '1' }),
        settings: lines,
      },
      again: { answer: 'f' },
    },
  ],
  counts: [
    {
      name: 'what waits in lines is queued, each in its lane',
      seed: (s) =>
        s
          .queued('n')
          .lined('a', 'k 1 0 0')
          .lined('b', 'k 1 0 0', { number: 2, lane: 'low' })
          .lined('c', 'm 1 0 0', { lane: 'low' }),
      args: [],
      answer: [
        ...['first', 0, 0, 'high', 0, 0, 'normal', 2, 0, 'low', 2, 0],
        ...['waiting', 0, 'scheduled', 0, 'parked', 0, 'failed', 0, 'ended', []],
      ],
    },
  ],
  list: [
    {
      name: 'what waits in lines comes behind what lies in the lane',
      seed: (s) => s.queued('n').lined('a', 'k 1 0 0').lined('b', 'k 1 0 0', { lane: 'low' }),
      args: ['queued', 'normal', '', 10],
      answer: ['line ', 'n'],
    },
    {
      name: 'key by key and in its order, some at a time; who waits there no more is passed over',
      seed: (s) =>
        s
          .lined('m1', 'm 1 0 0')
          .lined('k2', 'k 1 0 0', { number: 2 })
          .lined('k1', 'k 1 0 0')
          .command('ZADD', 'P:line:normal', 0, `k ${NUMBER_3} gone`),
      args: ['queued', 'normal', 'line ', 3],
      answer: [`line k ${NUMBER_3} gone`, 'k1', 'k2'],
    },
    {
      name: 'from where the last answer ended',
      seed: (s) => s.lined('m1', 'm 1 0 0').lined('k1', 'k 1 0 0'),
      args: ['queued', 'normal', `line k ${NUMBER_3} gone`, 3],
      answer: ['', 'm1'],
    },
  ],
  unpark: [
    {
      name: 'one whose key has room comes with a slot of it, another stays parked',
      seed: (s) =>
        holds(s.worker('w1').worker('w2'), 'x', 'm 1 0 0')
          .limit('m', '1 0 0', { busy: ['x'] })
          .parked('a', 'add', { record: { limit: 'k 1 0 0', tied: '1' } })
          .parked('b', 'add', { record: { limit: 'm 1 0 0', tied: '1' } }),
      args: ['w2', 10, 'add'],
      answer: 1,
      published: { control: ['due 60000'] },
      keyspace: {
        'task:a': begun('first/e1', 'k 1 0 0'),
        'stream:first': lane('e1', { '1-0': 'x', e1: 'a' }, { w1: ['1-0'], w2: ['e1'] }),
        'busy:k': { set: ['a'] },
        'limit:k': hash({ numbers: '1 0 0' }),
        parked: zset({ 'add/b': '0' }),
        resting: zset({ m: '<now+60s>' }),
      },
      again: { answer: 0 },
    },
  ],
  examine: [
    {
      name: 'one that waits in a line is fine while its key has a turn to come, a time, or a slot that gets free',
      seed: (s) =>
        s
          .lined('a', 'k 1 0 0')
          .ring('k')
          .lined('b', 'l 0 1 1000')
          .resting('l', 30_000)
          .lined('c', 'm 1 0 0')
          .limit('m', '1 0 0', { busy: ['x'] })
          .lined('d', 'n 1 0 0')
          .lined('e', 'k 1 0 0', { number: 2 })
          .command('ZREM', 'P:line:normal', `k ${NUMBER_2} e`),
      args: ['task:a', 'task:b', 'task:c', 'task:d', 'task:e'],
      answer: [
        ...[
          ['fine', '', '50', ''],
          ['fine', '', '50', ''],
          ['fine', '', '50', ''],
        ],
        ...[
          ['stray', '', '50', ''],
          ['stray', '', '50', ''],
        ],
      ],
    },
  ],
  mend: [
    {
      name: 'one that waits where no turn comes goes into its line again',
      seed: (s) => s.lined('a', 'k 1 0 0').limit('k', '1 0 0'),
      args: ['a', ''],
      answer: ['mended'],
      published: { control: ['front'] },
      keyspace: {
        'task:a': waits('a', 'k 1 0 0'),
        ring: zset({ k: '1' }),
        settings: lines,
      },
      again: { answer: ['fine'] },
    },
  ],
  attach: [
    {
      name: 'the slot of a task that is lost is free',
      seed: (s) =>
        holds(s, 'x', 'k 1 0 0')
          .limit('k', '1 0 0', { busy: ['x'] })
          .command('DEL', 'P:stream:first'),
      args: ['c1', '1', 60_000, 3, 'x'],
      answer: [['lost']],
      keyspace: {
        'task:x': hash({ entry: 'first/1-0', ...held }, '30 s'),
        'busy:k': null,
        'limit:k': null,
      },
    },
  ],
}

describe('enqueue', () => {
  for (const [name, test] of table('enqueue', enqueue)) it(name, test)
})
describe('turn', () => {
  for (const [name, test] of table('turn', turns)) it(name, test)
})
describe('promote', () => {
  for (const [name, test] of table('promote', promotions, promoted)) it(name, test)
})
describe('cancel', () => {
  for (const [name, test] of table('cancel', cancels)) it(name, test)
})
for (const [script, rows] of Object.entries(others)) {
  describe(script, () => {
    for (const [name, test] of table(script as 'move', rows)) it(name, test)
  })
}
