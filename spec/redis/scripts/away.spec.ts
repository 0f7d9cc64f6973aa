/** watch, arrive, and what sends a task away: how a task of one queue stands for those that wait for it in another. */

import { describe, it } from 'node:test'
import { frame } from '../../../lib/redis/frame.ts'
import { callOf, hash, lane, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const watching: Row[] = [
  {
    name: 'of one that is open its end will be told there; that of a call that was sent notes its trip',
    seed: (s) => s.queued('a').running('b', 'w1', { lane: 'low' }),
    args: ['home', 'a', '3', 'call'],
    answer: ['open'],
    keyspace: {
      'task:a': hash({ entry: '1-0', tied: '1', trip: '3' }),
      'deps:a': hash({ 'home|a': '3' }),
    },
  },
  {
    name: 'one that others wait for is not marked as theirs',
    seed: (s) => s.running('a', 'w1'),
    args: ['home', 'a', '0', 'watch'],
    answer: ['open'],
    keyspace: { 'task:a': hash({ entry: '1-0', tied: '1' }), 'deps:a': hash({ 'home|a': '0' }) },
  },
  {
    name: 'one that has ended is told of at once',
    seed: (s) => s.ended('a', 'succeeded', 'value', { trip: '1' }),
    args: ['home', 'a', '1', 'call'],
    answer: ['ended', 's', 'value'],
  },
  {
    name: 'one without a result',
    seed: (s) => s.record('a', { entry: '9-0', end: 's 1 100 200 w1' }),
    args: ['home', 'a', '0', 'watch'],
    answer: ['ended', 's', ''],
  },
  {
    name: 'one that failed on the trip before is to be redriven; when it has been, it is not asked for again',
    seed: (s) => s.ended('a', 'failed', 'error', { trip: '1' }),
    args: ['home', 'a', '2', 'call'],
    answer: ['again'],
  },
  {
    name: 'the same, redriven and failed once more',
    seed: (s) => s.ended('a', 'failed', 'error', { trip: '1' }),
    args: ['home', 'a', '2', 'redriven'],
    answer: ['ended', 'f', 'error'],
  },
  {
    name: 'a call that joined another task: that one’s end is told, under its own name',
    seed: (s) => s.queued('b').command('SET', 'P:joined:a', 'b'),
    args: ['home', 'a', '1', 'call'],
    answer: ['open'],
    keyspace: { 'task:b': hash({ entry: '1-0', tied: '1' }), 'deps:b': hash({ 'home|a': '1' }) },
  },
  { name: 'lost: nobody knows it', args: ['home', 'a', '1', 'call'], answer: ['lost'] },
  {
    name: 'lost: its entry is gone; its record is no record',
    seed: (s) => s.record('a', { entry: '7-0' }).command('SET', 'P:task:b', 'junk'),
    args: ['home', 'a', '1', 'watch'],
    answer: ['lost'],
  },
]

describe('watch', () => {
  for (const [name, test] of table('watch', watching)) it(name, test)
})

const away = (fields: Record<string, string> = {}) => ({
  ...{ entry: 'away/normal', call: callOf('a'), to: 'other', back: '1', trip: '1' },
  ...fields,
})
const TTLS = [60_000, 120_000, 10]
const past = { answer: 'past' }

const arriving: Row[] = [
  {
    name: 'a success is what it stands for; it is not counted here, and those that wait for it go on',
    seed: (s) => s.child('b', ['a'], { takes: true }).record('a', away({ tied: '1' })),
    args: ['a', '1', 's', 'value', ...TTLS],
    answer: 'done',
    keyspace: {
      'task:a': hash({ ...away({ tied: '1' }), end: 's 0 0 <now> ', result: 'value' }, '60 s'),
      'task:b': hash({
        entry: 'e1',
        after: 'a',
        policy: 'f',
        inputs: '1',
        'in:0': 'svalue',
        tied: '1',
        created: '50',
      }),
      'stream:normal': lane('0-0', { e1: ['b', callOf('b'), 'inputs', '1'] }),
      'deps:a': null,
      ended: null as never,
    },
    again: past,
  },
  {
    name: 'a failure too, and no dead letter of this queue; who asked for it here is told',
    seed: (s) => s.record('a', away({ clients: 'c1' })),
    args: ['a', '1', 'f', 'error', ...TTLS],
    answer: 'done',
    keyspace: {
      'task:a': hash({ ...away(), end: 'f 0 0 <now> ', error: 'error' }, '120 s'),
      ended: null as never,
    },
    published: { c1: [['a', 'failed', 'error']] },
    again: past,
  },
  {
    name: 'one of which no trace is left has failed',
    seed: (s) => s.record('a', away()),
    args: ['a', '1', 'l', '', ...TTLS],
    answer: 'done',
    keyspace: {
      'task:a': hash(
        {
          ...away(),
          end: 'f 0 0 <now> ',
          error: 'TaskLostError ERR_MILLRACE_TASK_LOST: there is no record of task a in its queue',
        },
        '120 s',
      ),
      ended: null as never,
    },
    again: past,
  },
  {
    name: 'of an earlier trip, of one that has ended or is not away, of nobody: nothing',
    seed: (s) => s.record('a', away({ trip: '2' })),
    args: ['a', '1', 's', 'value', ...TTLS],
    answer: 'past',
  },
  {
    name: 'of one that is no stand-in: nothing',
    seed: (s) => s.queued('a'),
    args: ['a', '0', 's', 'v', ...TTLS],
    answer: 'past',
  },
  { name: 'of nobody: nothing', args: ['a', '0', 's', 'v', ...TTLS], answer: 'past' },
]

describe('arrive', () => {
  for (const [name, test] of table('arrive', arriving)) it(name, test)
})

const to = (id: string, ...how: (string | number)[]) => [['low', ...how], id, callOf(id)]

const sending: Row[] = [
  {
    name: 'a call for another queue goes away at once; what is meant there is kept for there',
    args: ['0', '', '', ...to('a', 'to', 'other', 'back', 1, 'ttl', 500, 'flow', 'f')],
    answer: 1,
    keyspace: {
      'task:a': hash({
        ...{ entry: 'away/low', call: callOf('a'), created: '<now>', to: 'other', back: '1', trip: '1' },
        ...{ there: '\x92\xa3ttl\xa3500', flow: 'f', tied: '1' },
      }),
      'flow:f': hash({ a: '', open: '1' }),
      outbox: zset({ 'call other a 1': '<now>' }),
    },
    published: { control: ['outbox'] },
    again: { answer: 0 },
  },
  {
    name: 'one that comes after another waits here first',
    seed: (s) => s.running('b', 'w1'),
    args: ['0', '', '', ...to('a', 'after', 'b', 'policy', 's', 'take', 1, 'to', 'other')],
    answer: 1,
    keyspace: {
      'task:b': hash({ entry: '1-0', tied: '1' }),
      'deps:b': hash({ a: '0' }),
      'task:a': hash({
        ...{ entry: 'waiting/low', call: callOf('a'), created: '<now>', to: 'other', there: '\x90' },
        ...{ after: 'b', policy: 's', needs: '1', inputs: '1', tied: '1' },
      }),
      waiting: zset({ a: '<now>' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'a parent in another queue is stood for here, and asked after there',
    args: ['0', '', '', ...to('a', 'after', 'x', 'policy', 'f', 'elsewhere', 'x other')],
    answer: 1,
    keyspace: {
      'task:x': hash({ entry: 'away/normal', call: '', created: '<now>', to: 'other', tied: '1' }),
      'deps:x': hash({ a: '0' }),
      'task:a': hash({
        ...{ entry: 'waiting/low', call: callOf('a'), created: '<now>', after: 'x', policy: 'f', needs: '1' },
      }),
      waiting: zset({ a: '<now>' }),
      outbox: zset({ 'watch other x 0': '<now>' }),
    },
    published: { control: ['outbox'] },
    again: { answer: 0 },
  },
  {
    name: 'what was wanted there counts from the call, which was some time ago',
    args: [
      ...['1', '', ''],
      ...[['low', 'sent', frame(['ttl', 80_000, 'in', 500]), 'age', 20_000], 'a', callOf('a')],
    ],
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'low/e1', expires: '<now+60s>' }),
      expiring: zset({ a: '<now+60s>' }),
      'stream:low': lane('0-0', { e1: ['a', callOf('a'), 'expires', '<now+60s>'] }),
    },
    published: { control: ['due 60000'] },
    again: { answer: 0 },
  },
  {
    name: 'a call that another queue has sent: its end will be told there, and it takes what its parents gave there',
    args: ['1', '', '', ['low', 'given', ['sone', 'ftwo'], 'home', 'first', 'trip', 1], 'a', callOf('a')],
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'low/e1', inputs: '2', 'in:0': 'sone', 'in:1': 'ftwo', trip: '1', tied: '1' }),
      'deps:a': hash({ 'first|a': '1' }),
      'stream:low': lane('0-0', { e1: ['a', callOf('a'), 'inputs', '2'] }),
    },
    again: { answer: 0 },
  },
]

describe('enqueue, of calls between queues', () => {
  for (const [name, test] of table('enqueue', sending)) it(name, test)
})

const CANCELLED = 'TaskCancelledError ERR_MILLRACE_TASK_CANCELLED: why'
const cancelling: Row[] = [
  {
    name: 'one that is away is cancelled here, and there by a letter',
    seed: (s) => s.record('a', away()),
    args: ['a', 'why', 60_000],
    answer: 'cancelled',
    keyspace: {
      'task:a': hash({ ...away(), end: 'c 0 0 <now> ', error: CANCELLED }, '60 s'),
      outbox: zset({ 'cancel other a why': '<now>' }),
    },
    published: { control: ['outbox'] },
  },
  {
    name: 'what stands for a task that was not made from here is not to be cancelled from here',
    seed: (s) => s.record('a', { entry: 'away/normal', call: '', to: 'other' }),
    args: ['a', 'why', 60_000],
    answer: 'none',
  },
]

describe('cancel, of tasks elsewhere', () => {
  for (const [name, test] of table('cancel', cancelling)) it(name, test)
})

const redriving: Row[] = [
  {
    name: 'one that failed elsewhere goes there once more',
    seed: (s) => s.ended('a', 'failed', 'error', away({ end: 'f 0 0 200 ', created: '50' })),
    args: ['a'],
    answer: ['retried'],
    keyspace: {
      'task:a': hash({ ...away({ trip: '2' }), created: '50', errors: '0 200 error' }),
      outbox: zset({ 'call other a 2': '<now>' }),
    },
    published: { control: ['outbox'] },
    again: { answer: ['alive'] },
  },
]

describe('redrive, of tasks elsewhere', () => {
  for (const [name, test] of table('redrive', redriving)) it(name, test)
})

const ending: Row[] = [
  {
    name: 'who waits in another queue is told by a letter, with the trip that it asked for',
    seed: (s) =>
      s
        .worker('w1')
        .running('a', 'w1', { record: { tied: '1' } })
        .command('HSET', 'P:deps:a', 'home|a', '2', 'third|z', '0'),
    args: ['w1', 0, 1_000, 10, 120_000, ['normal', 'succeeded', 1, 60_000, 'a', '1-0', 3, 'value', '', '']],
    answer: ['d'],
    keyspace: {
      'task:a': hash(
        { entry: '1-0', tied: '1', end: 's 1 3 <now> w1', call: callOf('a'), result: 'value' },
        '60 s',
      ),
      'deps:a': null,
      'stream:normal': lane('1-0', {}, { w1: [] }),
      outbox: zset({ 'end home a 2 s value': '<now>', 'end third z 0 s value': '<now>' }),
    },
    published: { control: ['outbox'] },
    again: { answer: ['a'] },
  },
]

describe('turn, of tasks that are waited for elsewhere', () => {
  for (const [name, test] of table('turn', ending)) it(name, test)
})
