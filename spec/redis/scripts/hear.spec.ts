/** hear: progress is recorded and calls are made of it in one step; of each call two tasks live at most. */

import { it } from 'node:test'
import { type Hears, hearing, letHear } from '../../support/hearers.ts'
import { callOf, hash, lane, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'
import type { Seed } from '../../support/seed.ts'

const CALL = callOf('of progress')
const PLAIN: Hears = ['normal', CALL, '']
const TAKES: Hears = ['normal', CALL, '1']

const running = (s: Seed, hearer: Hears, record: Record<string, string> = {}): Seed =>
  letHear(s.running('a', 'w1', { record }), 'a', hearer)
/** The record of the task afterwards. */
const told = (hearer: Hears, times: number, more: Record<string, string> = {}) =>
  hash({
    ...{ entry: '1-0', progress: 'new', version: '7', heard: '7', 'told:0': String(times) },
    ...hearing(hearer),
    ...more,
  })
const report = ['a', 'normal', '1-0', 'new', 7]
/** Takes the progress as its argument. */
const given = { inputs: '1', 'in:0': 'snew', tied: '1' }
const entry = (id: string) => [id, CALL, 'inputs', '1']

const first: Row[] = [
  {
    name: 'the first progress makes a call of it, once; clients are told as by progress',
    seed: (s) => running(s, PLAIN, { clients: 'c1' }),
    args: report,
    answer: 'd',
    published: { c1: [['a', 'progress:7', 'new']] },
    keyspace: {
      'task:a': told(PLAIN, 1, { clients: 'c1' }),
      'task:a.0.1': hash({ entry: 'e1' }),
      'stream:normal': lane('1-0', { '1-0': 'a', e1: ['a.0.1', CALL] }, { w1: ['1-0'] }),
    },
    again: { published: { c1: [['a', 'progress:7', 'new']] } },
  },
  {
    name: 'where the call asks for it, the value lies ready as its first argument',
    seed: (s) => running(s, TAKES),
    args: report,
    answer: 'd',
    keyspace: {
      'task:a': told(TAKES, 1),
      'task:a.0.1': hash({ entry: 'e1', ...given }),
      'stream:normal': lane('1-0', { '1-0': 'a', e1: entry('a.0.1') }, { w1: ['1-0'] }),
    },
  },
  {
    name: 'what else is wished of the call is done: its lane, its delay, its deadline',
    seed: (s) => running(s, [['low', 'in', '30000', 'deadline', '60000'], CALL, '1']),
    args: report,
    answer: 'd',
    keyspace: {
      'task:a': told([['low', 'in', '30000', 'deadline', '60000'], CALL, '1'], 1),
      'task:a.0.1': hash({
        ...{ entry: 'scheduled/low', call: CALL, created: '<now>', deadline: '<now+60s>' },
        ...given,
      }),
      scheduled: zset({ 'a.0.1': '<now+30s>' }),
      expiring: zset({ 'a.0.1': '<now+60s>' }),
    },
    published: { control: ['due 30000'] },
  },
  {
    name: 'several calls, of several tasks, each by itself; what others hear nothing of is recorded alone',
    seed: (s) => {
      letHear(s.running('a', 'w1'), 'a', PLAIN, TAKES)
      letHear(s.running('b', 'w1'), 'b', PLAIN)
      s.running('c', 'w1')
    },
    args: [...report, 'b', 'normal', '2-0', 'new', 7, 'c', 'normal', '3-0', 'new', 7],
    answer: 'ddd',
    keyspace: {
      'task:a': hash({
        ...{ entry: '1-0', progress: 'new', version: '7', heard: '7', 'told:0': '1', 'told:1': '1' },
        ...hearing(PLAIN, TAKES),
      }),
      'task:b': told(PLAIN, 1, { entry: '2-0' }),
      'task:c': hash({ entry: '3-0', progress: 'new', version: '7' }),
      'task:a.0.1': hash({ entry: 'e1' }),
      'task:a.1.1': hash({ entry: 'e2', ...given }),
      'task:b.0.1': hash({ entry: 'e3' }),
      'stream:normal': lane(
        '3-0',
        {
          ...{ '1-0': 'a', '2-0': 'b', '3-0': 'c' },
          ...{ e1: ['a.0.1', CALL], e2: entry('a.1.1'), e3: ['b.0.1', CALL] },
        },
        { w1: ['1-0', '2-0', '3-0'] },
      ),
    },
  },
]

const WAITS: readonly [how: string, seed: (s: Seed) => unknown, fields: Record<string, string>][] = [
  [
    'in its lane',
    (s) => s.queued('a.0.1', { call: CALL, more: { inputs: '1' }, record: { 'in:0': 'sold', tied: '1' } }),
    { entry: '2-0' },
  ],
  [
    'until it is due, or for another attempt',
    (s) =>
      s.scheduled('a.0.1', 30_000, {
        call: CALL,
        record: { inputs: '1', 'in:0': 'sold', tied: '1', attempt: '1' },
      }),
    { entry: 'scheduled/normal', call: CALL, created: '50', attempt: '1' },
  ],
  [
    'for a worker that knows it',
    (s) => s.parked('a.0.1', 'add', { call: CALL, record: { inputs: '1', 'in:0': 'sold', tied: '1' } }),
    { entry: 'parked/normal', call: CALL, created: '50', unknown: 'add' },
  ],
]

const waiting: Row[] = [
  ...WAITS.map(
    ([how, seed, fields]): Row => ({
      name: `what waits ${how} gets the newer value, and no other is made`,
      seed: (s) => {
        running(s, TAKES, { 'told:0': '1', heard: '6', progress: 'old', version: '6' })
        seed(s)
      },
      args: report,
      answer: 'd',
      keyspace: { 'task:a': told(TAKES, 1), 'task:a.0.1': hash({ ...fields, ...given }) },
    }),
  ),
  {
    name: 'one that takes nothing waits as it is',
    seed: (s) => {
      running(s, PLAIN, { 'told:0': '1', heard: '6' })
      s.queued('a.0.1', { call: CALL })
    },
    args: report,
    answer: 'd',
    keyspace: { 'task:a': told(PLAIN, 1) },
  },
  {
    name: 'while one runs another is made, which waits for its end',
    seed: (s) => {
      running(s, TAKES, { 'told:0': '1', heard: '6' })
      s.running('a.0.1', 'w2', {
        call: CALL,
        more: { inputs: '1' },
        record: { 'in:0': 'sold', tied: '1' },
      })
    },
    args: report,
    answer: 'd',
    keyspace: {
      'task:a': told(TAKES, 2),
      'task:a.0.2': hash({
        ...{ entry: 'waiting/normal', call: CALL, created: '<now>', after: 'a.0.1', policy: 'b', needs: '1' },
        ...given,
      }),
      'deps:a.0.1': hash({ 'a.0.2': '0' }),
    },
  },
  {
    name: 'and one that waits for it already gets the newer value',
    seed: (s) => {
      running(s, TAKES, { 'told:0': '2', heard: '6' })
      s.running('a.0.1', 'w2', { call: CALL, record: { inputs: '1', 'in:0': 'sold', tied: '1' } })
      s.child('a.0.2', ['a.0.1'], {
        ...{ call: CALL, policy: 'b' },
        record: { inputs: '1', 'in:0': 'sold', tied: '1' },
      })
    },
    args: report,
    answer: 'd',
    keyspace: {
      'task:a': told(TAKES, 2),
      'task:a.0.2': hash({
        ...{ entry: 'waiting/normal', call: CALL, created: '50', after: 'a.0.1', policy: 'b', needs: '1' },
        ...given,
      }),
    },
  },
  ...(['succeeded', 'failed', 'cancelled', 'expired'] as const).map(
    (state): Row => ({
      name: `behind one that has ${state === 'cancelled' ? 'been cancelled' : state} another is made`,
      seed: (s) => running(s, TAKES, { 'told:0': '4', heard: '6' }).ended('a.0.4', state, 'value'),
      args: report,
      answer: 'd',
      keyspace: {
        'task:a': told(TAKES, 5),
        'task:a.0.5': hash({ entry: 'e1', ...given }),
        'stream:normal': lane('1-0', { '1-0': 'a', e1: entry('a.0.5') }, { w1: ['1-0'] }),
      },
    }),
  ),
  {
    name: 'and where it is gone, or was deleted by hand, or is something else',
    seed: (s) => {
      letHear(
        s.running('a', 'w1', { record: { 'told:0': '1', 'told:1': '1', 'told:2': '1' } }),
        'a',
        PLAIN,
        PLAIN,
        PLAIN,
      )
      s.record('a.1.1', { entry: '99-0' }).command('SET', 'P:task:a.2.1', 'junk')
    },
    args: report,
    answer: 'd',
    keyspace: {
      'task:a': hash({
        ...{ entry: '1-0', progress: 'new', version: '7', heard: '7' },
        ...{ 'told:0': '2', 'told:1': '2', 'told:2': '2' },
        ...hearing(PLAIN, PLAIN, PLAIN),
      }),
      'task:a.0.2': hash({ entry: 'e1' }),
      'task:a.1.2': hash({ entry: 'e2' }),
      'task:a.2.2': hash({ entry: 'e3' }),
      'stream:normal': lane(
        '1-0',
        { '1-0': 'a', e1: ['a.0.2', CALL], e2: ['a.1.2', CALL], e3: ['a.2.2', CALL] },
        { w1: ['1-0'] },
      ),
    },
  },
]

const nothing: Row[] = [
  {
    name: 'fenced under another token, of an ended task, of an unknown one, of junk: nothing is made',
    seed: (s) => {
      running(s, TAKES)
      letHear(s.ended('c', 'failed', 'error'), 'c', TAKES).command('SET', 'P:task:e', 'junk')
    },
    args: [
      ...['a', 'normal', '2-0', 'new', 7, 'a', 'high', '1-0', 'new', 7],
      ...['c', 'normal', '9-0', 'new', 7, 'd', 'normal', '1-0', 'new', 7, 'e', 'normal', '1-0', 'new', 7],
    ],
    answer: 'fffff',
  },
  {
    name: 'fenced where another worker has the task by now, under another token',
    seed: (s) => {
      s.entry('normal', 'a', callOf('a')).deliver('w1').entry('first', 'a', callOf('a'), 'attempt', '1')
      letHear(s.deliver('w2', 'first').record('a', { entry: 'first/2-0', attempt: '1' }), 'a', TAKES)
    },
    args: report,
    answer: 'f',
  },
  {
    name: 'a version that is not above the last one sets off nothing: this report came before',
    seed: (s) => running(s, TAKES, { 'told:0': '1', heard: '7', version: '7' }),
    args: report,
    answer: 'd',
    keyspace: { 'task:a': told(TAKES, 1) },
  },
  {
    name: 'versions are numbers: those of a second attempt are above those of the first',
    seed: (s) => running(s, PLAIN, { heard: '4294967299' }),
    args: ['a', 'normal', '1-0', 'new', 8_589_934_593],
    answer: 'd',
    keyspace: {
      'task:a': told(PLAIN, 1, { version: '8589934593', heard: '8589934593' }),
      'task:a.0.1': hash({ entry: 'e1' }),
      'stream:normal': lane('1-0', { '1-0': 'a', e1: ['a.0.1', CALL] }, { w1: ['1-0'] }),
    },
  },
  {
    name: 'a record that promises more calls than it holds makes those that it holds',
    seed: (s) => running(s, PLAIN).record('a', { hears: '3' }),
    args: report,
    answer: 'd',
    keyspace: {
      'task:a': told(PLAIN, 1, { hears: '3' }),
      'task:a.0.1': hash({ entry: 'e1' }),
      'stream:normal': lane('1-0', { '1-0': 'a', e1: ['a.0.1', CALL] }, { w1: ['1-0'] }),
    },
  },
  {
    name: 'what is no such call is passed over, and the reports of others count',
    seed: (s) => {
      const junk = ['', 'junk', '\x93', '\x90', '\x92\xa6normal\x01', '\x93\xa5other\xa4call\xa0']
      s.running('b', 'w1', { record: { hears: '1e9' } })
      for (const [n, value] of junk.entries()) {
        s.command('HSET', 'P:task:b', `hear:${n}`, Buffer.from(value, 'latin1'))
      }
      letHear(s.running('a', 'w1', { record: { heard: 'junk' } }), 'a', PLAIN)
    },
    args: ['b', 'normal', '1-0', 'new', 7, 'a', 'normal', '2-0', 'new', 7],
    answer: 'dd',
    keyspace: {
      'task:a': told(PLAIN, 1, { entry: '2-0' }),
      'task:b': hash({
        ...{ entry: '1-0', progress: 'new', version: '7', heard: '7', hears: '1e9' },
        ...{ 'hear:0': '', 'hear:1': 'junk', 'hear:2': '\x93', 'hear:3': '\x90' },
        ...{ 'hear:4': '\x92\xa6normal\x01', 'hear:5': '\x93\xa5other\xa4call\xa0' },
      }),
      'task:a.0.1': hash({ entry: 'e1' }),
      'stream:normal': lane('2-0', { '1-0': 'b', '2-0': 'a', e1: ['a.0.1', CALL] }, { w1: ['1-0', '2-0'] }),
    },
  },
  {
    name: 'at maxmemory it is refused, and nothing is recorded',
    full: true,
    seed: (s) => running(s, TAKES),
    args: report,
    refused: /OOM/,
  },
  { name: 'nothing reported is nothing done', args: [], answer: '' },
]

for (const [name, test] of table('hear', [...first, ...waiting, ...nothing])) it(name, test)
