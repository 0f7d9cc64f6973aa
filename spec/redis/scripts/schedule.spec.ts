/** schedule, schedules, halt, unschedule: definitions, and what is known of them. */

import { describe, it } from 'node:test'
import type { FrameItem } from '../../../lib/redis/frame.ts'
import { zset } from '../../support/keyspace.ts'
import { CALL, howOf, schedule, scheduled, WHEN } from '../../support/schedules.ts'
import { type Row, table } from '../../support/script-table.ts'

interface Given {
  when?: string
  missed?: string
  overlap?: string
  lane?: string
  how?: string[]
  call?: string
  since?: number
  slot?: number | ''
  due?: number | ''
  most?: number
}

/** Of the schedule n, as it is seeded, unless said otherwise. */
function define(given: Given = {}): FrameItem[] {
  const { when = WHEN, missed = 'once', overlap = 'allow', lane = 'normal', how = [], call = CALL } = given
  const { since = 7, slot = 3_000, due = 3_300, most = 3 } = given
  return ['n', when, missed, overlap, lane, how, Buffer.from(call, 'latin1'), since, slot, due, most]
}

const defined: Row[] = [
  {
    name: 'a new one has its slot, and workers are told, because it is the nearest',
    args: define(),
    answer: 'new',
    keyspace: { 'schedule:n': schedule({ since: '7', slot: '3000' }), slots: zset({ n: '3300' }) },
    published: { control: ['slot 0'] },
    again: { answer: 'same' },
  },
  {
    name: 'nobody is told of one that is not the nearest',
    seed: (s) => scheduled(s, 'm'),
    args: (now) => define({ slot: now + 60_000, due: now + 60_000, how: ['ttl', '1000'], lane: 'low' }),
    answer: 'new',
    keyspace: {
      'schedule:n': schedule({ since: '7', slot: '<now+60s>', how: howOf('ttl', '1000'), lane: 'low' }),
      slots: zset({ m: '1000', n: '<now+60s>' }),
    },
    again: { answer: 'same' },
  },
  {
    name: 'how long until the nearest is told',
    seed: (s) => scheduled(s, 'm', {}, 'inf'),
    args: (now) => define({ slot: now + 60_000, due: now + 60_000 }),
    answer: 'new',
    keyspace: {
      'schedule:n': schedule({ since: '7', slot: '<now+60s>' }),
      slots: zset({ m: 'inf', n: '<now+60s>' }),
    },
    published: { control: ['slot 60000'] },
    again: { answer: 'same' },
  },
  {
    name: 'the same once more changes nothing, whatever its next slot is thought to be',
    seed: (s) => scheduled(s, 'n', { last: 'x' }),
    args: define({ since: 5, slot: 9_000, due: 9_000 }),
    answer: 'same',
  },
  {
    name: 'another call or another policy takes effect, and the slot stays',
    seed: (s) => scheduled(s, 'n', { last: 'x' }),
    args: define({ call: 'another', missed: 'all', overlap: 'skip', lane: 'high', how: ['ttl', '9'] }),
    answer: 'changed',
    keyspace: {
      'schedule:n': schedule({
        ...{
          call: 'another',
          missed: 'all',
          overlap: 'skip',
          lane: 'high',
          how: howOf('ttl', '9'),
          last: 'x',
        },
      }),
    },
    again: { answer: 'same' },
  },
  {
    name: 'other times take effect, from now on',
    seed: (s) => scheduled(s, 'n', { last: 'x' }),
    args: define({ when: '{"every":5}' }),
    answer: 'changed',
    keyspace: {
      'schedule:n': schedule({ when: '{"every":5}', since: '7', slot: '3000', last: 'x' }),
      slots: zset({ n: '3300' }),
    },
    again: { answer: 'same' },
  },
  {
    name: 'a paused one stays paused, with its new slot',
    seed: (s) => scheduled(s, 'n', { paused: '1' }, 'inf'),
    args: define({ when: '{"every":5}' }),
    answer: 'changed',
    keyspace: { 'schedule:n': schedule({ when: '{"every":5}', since: '7', slot: '3000', paused: '1' }) },
    again: { answer: 'same' },
  },
  {
    name: 'times that give no slot any more',
    seed: (s) => scheduled(s, 'n'),
    args: define({ when: '{"at":1}', slot: '', due: '' }),
    answer: 'changed',
    keyspace: {
      'schedule:n': schedule({ when: '{"at":1}', since: '7', slot: undefined }),
      slots: zset({ n: 'inf' }),
    },
    again: { answer: 'same' },
  },
  {
    name: 'one too many is refused; one that is there is not',
    seed: (s) => {
      for (const name of ['a', 'b', 'c']) scheduled(s, name)
    },
    args: define(),
    answer: 'full',
  },
  {
    name: 'at the limit one that is there may be changed',
    seed: (s) => {
      for (const name of ['a', 'b', 'n']) scheduled(s, name)
    },
    args: define({ missed: 'all' }),
    answer: 'changed',
    keyspace: { 'schedule:n': schedule({ missed: 'all' }) },
    again: { answer: 'same' },
  },
  { name: 'at maxmemory it is refused', full: true, args: define(), refused: /OOM/ },
]

/** Ms to wait in steps of 10 s. */
function shape(answer: unknown): unknown {
  const [now, wait, ...rest] = answer as [string, string, ...unknown[]]
  const isNow = Math.abs(Number(now) - Date.now()) < 10_000
  const times = (item: unknown): unknown => {
    if (Array.isArray(item)) return item.map(times)
    return typeof item === 'string' && /^\d{13}$/.test(item) ? '<time>' : item
  }
  return [isNow ? '<now>' : now, Math.round(Number(wait) / 10_000) * 10 || 0, ...rest.map(times)]
}
const N = ['when', WHEN, 'missed', 'once', 'overlap', 'allow', 'since', '5', 'slot', '1000']
const REST = ['lane', 'normal', 'call', CALL]

const found: Row[] = [
  { name: 'where there is none', args: ['due', 0, 10], answer: ['<now>', 0] },
  {
    name: 'those that are due, the longest first, and ms until the next that is not',
    seed: (s) => {
      scheduled(s, 'a', {}, 2_000)
      scheduled(s, 'b')
      scheduled(s, 'c', {}, s.now + 60_000)
      scheduled(s, 'd', { paused: '1' }, 'inf')
    },
    args: ['due', 0, 10],
    answer: ['<now>', 60, 'b', '1000', [...N, ...REST], 'a', '2000', [...N, ...REST]],
  },
  {
    name: 'so many at most, after so many',
    seed: (s) => {
      for (const [index, name] of ['a', 'b', 'c'].entries()) scheduled(s, name, {}, 1_000 + index)
    },
    args: ['due', 1, 1],
    answer: ['<now>', 0, 'b', '1001', [...N, ...REST]],
  },
  {
    name: 'all, with those that are paused',
    seed: (s) => {
      scheduled(s, 'c', {}, s.now + 60_000)
      scheduled(s, 'd', { paused: '1', last: 'x', ran: '8' }, 'inf')
    },
    args: ['all', 0, 10],
    answer: [
      ...['<now>', 60, 'c', '<time>', [...N, ...REST], 'd', 'inf'],
      [...N, 'paused', '1', ...REST, 'last', 'x', 'ran', '8'],
    ],
  },
  {
    name: 'one by its name',
    seed: (s) => scheduled(scheduled(s, 'a'), 'b'),
    args: ['one', 'b'],
    answer: ['<now>', 0, 'b', '1000', [...N, ...REST]],
  },
  { name: 'one that there is not', seed: (s) => scheduled(s, 'a'), args: ['one', 'b'], answer: ['<now>', 0] },
  {
    name: 'a slot without a definition, and one of another type, have no fields',
    seed: (s) => s.command('ZADD', 'P:slots', 1, 'a', 2, 'b').command('SET', 'P:schedule:b', 'junk'),
    args: ['due', 0, 10],
    answer: ['<now>', 0, 'a', '1', [], 'b', '2', []],
  },
]

const halted: Row[] = [
  {
    name: 'paused: it keeps all but its place among those that are due',
    seed: (s) => scheduled(s, 'n'),
    args: ['n', 1],
    answer: 'done',
    keyspace: { 'schedule:n': schedule({ paused: '1' }), slots: zset({ n: 'inf' }) },
  },
  {
    name: 'it goes on with the slot that is given',
    seed: (s) => scheduled(s, 'n', { paused: '1' }, 'inf'),
    args: ['n', 0, 5, 3_000, 3_300],
    answer: 'done',
    keyspace: { 'schedule:n': schedule({ slot: '3000' }), slots: zset({ n: '3300' }) },
    published: { control: ['slot 0'] },
  },
  {
    name: 'or with none',
    seed: (s) => scheduled(s, 'n', { paused: '1' }, 'inf'),
    args: ['n', 0, 5, '', ''],
    answer: 'done',
    keyspace: { 'schedule:n': schedule({ slot: undefined }) },
  },
  {
    name: 'one that is not paused stays where it is',
    seed: (s) => scheduled(s, 'n'),
    args: ['n', 0, 5, 3_000, 3_000],
    answer: 'done',
  },
  {
    name: 'a slot of another definition is refused',
    seed: (s) => scheduled(s, 'n', { paused: '1', since: '6' }, 'inf'),
    args: ['n', 0, 5, 3_000, 3_000],
    answer: 'past',
  },
  { name: 'one that there is not', args: ['n', 1], answer: 'none' },
  {
    name: 'at maxmemory one is paused',
    full: true,
    seed: (s) => scheduled(s, 'n'),
    args: ['n', 1],
    answer: 'done',
    keyspace: { 'schedule:n': schedule({ paused: '1' }), slots: zset({ n: 'inf' }) },
  },
]

const removed: Row[] = [
  {
    name: 'it is gone; the task that it has made stays',
    seed: (s) => scheduled(s, 'n', { last: 'n:900' }).queued('n:900'),
    args: ['n'],
    answer: 1,
    keyspace: { 'schedule:n': null, slots: null },
    again: { answer: 0 },
  },
  { name: 'others stay', seed: (s) => scheduled(s, 'm'), args: ['n'], answer: 0 },
  {
    name: 'what is left of one half goes too',
    seed: (s) => s.command('ZADD', 'P:slots', 1, 'n'),
    args: ['n'],
    answer: 1,
    keyspace: { slots: null },
    again: { answer: 0 },
  },
]

describe('schedule', () => {
  for (const [name, test] of table('schedule', defined)) it(name, test)
})
describe('schedules', () => {
  for (const [name, test] of table('schedules', found, shape)) it(name, test)
})
describe('halt', () => {
  for (const [name, test] of table('halt', halted)) it(name, test)
})
describe('unschedule', () => {
  for (const [name, test] of table('unschedule', removed)) it(name, test)
})
