/** release: what a worker gives back goes to the head of the line under a new token. */

import { it } from 'node:test'
import { callOf, hash, lane, zset } from '../../support/keyspace.ts'
import { table } from '../../support/script-table.ts'

/** A worker whose failures are kept for 120 s. */
const w1 = ['w1', 120_000]
/** In a lane first that was empty. */
const first = (entry: string, fields: Record<string, string>) => hash({ entry: `first/${entry}`, ...fields })
const home = (fields: Record<string, string>) => first('e1', { home: 'normal', ...fields })

const cancelled = (reason: string) => `TaskCancelledError ERR_MILLRACE_TASK_CANCELLED: ${reason}`

const tests = table('release', [
  {
    name: 'a task whose handler had begun goes to the head of the line, and its attempt counts',
    seed: (s) =>
      s
        .running('a', 'w1')
        .running('b', 'w1', { record: { attempt: '1', created: '50', progress: '10 %', clients: 'c1' } }),
    args: [...w1, 'normal', '1-0', 1, 'normal', '2-0', 1],
    answer: 'dd',
    keyspace: {
      'task:a': home({ attempt: '1', created: '1' }),
      'task:b': first('e2', {
        ...{ attempt: '2', created: '50', home: 'normal' },
        ...{ progress: '10 %', clients: 'c1' },
      }),
      'stream:normal': lane('2-0', {}, { w1: [] }),
      'stream:first': lane('0-0', {
        e1: ['a', callOf('a'), 'attempt', '1'],
        e2: ['b', callOf('b'), 'attempt', '2'],
      }),
    },
    again: { answer: 'ff' },
  },
  {
    name: 'a task whose handler had not begun keeps the attempts it had, whatever its lane',
    seed: (s) =>
      s
        .running('a', 'w1', { lane: 'high' })
        .running('b', 'w1', { more: { attempt: '1', crashes: '1' }, record: { created: '50' } })
        .running('c', 'w1', {
          lane: 'first',
          more: { attempt: '2' },
          record: { created: '60', home: 'low' },
        }),
    args: [...w1, 'high', '1-0', 0, 'normal', '2-0', 0, 'first', '3-0', 0],
    answer: 'ddd',
    keyspace: {
      'task:a': first('e1', { attempt: '0', created: '1', home: 'high' }),
      'task:b': first('e2', { attempt: '1', created: '50', crashes: '1', home: 'normal' }),
      'task:c': first('e3', { attempt: '2', created: '60', home: 'low' }),
      'stream:first': lane(
        '3-0',
        {
          e1: 'a',
          e2: ['b', callOf('b'), 'attempt', '1', 'crashes', '1'],
          e3: ['c', callOf('c'), 'attempt', '2'],
        },
        { w1: [] },
      ),
      'stream:high': lane('1-0', {}, { w1: [] }),
      'stream:normal': lane('2-0', {}, { w1: [] }),
    },
    again: { answer: 'fff' },
  },
  {
    name: 'the same entry given back twice in one batch is moved once',
    seed: (s) => s.running('a', 'w1'),
    args: [...w1, 'normal', '1-0', 1, 'normal', '1-0', 1],
    answer: 'dd',
    keyspace: {
      'task:a': home({ attempt: '1', created: '1' }),
      'stream:normal': lane('1-0', {}, { w1: [] }),
      'stream:first': lane('0-0', { e1: ['a', callOf('a'), 'attempt', '1'] }),
    },
    again: { answer: 'ff' },
  },
  {
    name: 'what another worker holds, nobody has read, or is not there, is not given back',
    seed: (s) => s.running('a', 'w2').queued('b'),
    args: [...w1, 'normal', '1-0', 0, 'normal', '2-0', 0, 'normal', '3-0', 0, 'low', '1-0', 1],
    answer: 'ffff',
  },
  {
    name: 'a zombie gives back what was not recovered yet',
    seed: (s) => s.markedDead('w1').running('a', 'w1'),
    args: [...w1, 'normal', '1-0', 1],
    answer: 'd',
    keyspace: {
      'task:a': home({ attempt: '1', created: '1' }),
      'stream:normal': lane('1-0', {}, { w1: [] }),
      'stream:first': lane('0-0', { e1: ['a', callOf('a'), 'attempt', '1'] }),
    },
    again: { answer: 'f' },
  },
  {
    name: 'what others run and what nobody has read stays in the stream, below and above what is given back',
    seed: (s) => s.running('a', 'w2').running('b', 'w1').running('c', 'w2').queued('d'),
    args: [...w1, 'normal', '2-0', 0],
    answer: 'd',
    keyspace: {
      'task:b': home({ attempt: '0', created: '2' }),
      'stream:normal': lane('3-0', { '1-0': 'a', '3-0': 'c', '4-0': 'd' }, { w1: [], w2: ['1-0', '3-0'] }),
      'stream:first': lane('0-0', { e1: 'b' }),
    },
    again: { answer: 'f' },
  },
  {
    name: 'in an untidy lane an entry above an older one that was delivered just now stays until that one ends',
    seed: (s) => s.running('a', 'w2').running('b', 'w1').queued('c').untidy('normal'),
    fresh: [['w2', 'normal', '1-0']],
    args: [...w1, 'normal', '2-0', 0],
    answer: 'd',
    keyspace: {
      'task:b': home({ attempt: '0', created: '2' }),
      'stream:normal': lane('2-0', { '1-0': 'a', '2-0': 'b', '3-0': 'c' }, { w1: [], w2: ['1-0'] }),
      'stream:first': lane('0-0', { e1: 'b' }),
    },
    again: { answer: 'f' },
  },
  {
    name: 'entries of tasks that ended or moved are dropped, and their records stay as they are',
    seed: (s) =>
      s
        .entry('normal', 'a', callOf('a'))
        .running('b', 'w1', { record: { entry: 'first/9-0', attempt: '1' } })
        .deliver('w1')
        .ended('a', 'succeeded', 'value', { entry: '1-0' }),
    args: [...w1, 'normal', '1-0', 1, 'normal', '2-0', 0],
    answer: 'dd',
    keyspace: { 'stream:normal': lane('2-0', {}, { w1: [] }) },
    again: { answer: 'ff' },
  },
  {
    name: 'what nobody can run is quarantined instead',
    seed: (s) =>
      s
        .entry('normal', 'bad id!', 'sample 1')
        .entry('normal', 'other', 'sample 2')
        .command('SET', 'P:task:other', 'junk')
        .entry('normal', 'junk', 'sample 3')
        .record('junk', { note: 'not ours' })
        .deliver('w1', 'normal', 3),
    args: [...w1, 'normal', '1-0', 0, 'normal', '2-0', 0, 'normal', '3-0', 1],
    answer: 'ddd',
    keyspace: {
      'stream:normal': lane('3-0', {}, { w1: [] }),
      quarantine: {
        list: [
          ['<now>', 'normal/3-0', 'no record', 'sample 3'],
          ['<now>', 'normal/2-0', 'record of another type', 'sample 2'],
          ['<now>', 'normal/1-0', 'no record', 'sample 1'],
        ],
      },
    },
    again: { answer: 'fff' },
  },
  {
    name: 'an entry that was deleted under the pending list is cleared from it',
    seed: (s) => s.running('a', 'w1').command('XDEL', 'P:stream:normal', '1-0'),
    args: [...w1, 'normal', '1-0', 0],
    answer: 'd',
    keyspace: { 'stream:normal': lane('1-0', {}, { w1: [] }) },
    again: { answer: 'f' },
  },
  {
    name: 'in a lane without its group nobody holds anything; what other lanes hold is given back',
    bare: true,
    seed: (s) => s.group('normal').running('a', 'w1').queued('b', { lane: 'low' }),
    args: [...w1, 'low', '2-0', 1, 'normal', '1-0', 1, 'high', '1-0', 1],
    answer: 'fdf',
    keyspace: {
      'task:a': home({ attempt: '1', created: '1' }),
      'stream:normal': lane('1-0', {}, { w1: [] }),
      'stream:first': { entries: [['e1', 'a', callOf('a'), 'attempt', '1']] },
    },
    again: { answer: 'fff' },
  },
  {
    name: 'a task that was asked to be cancelled ends, however far it had come, and its key is free',
    seed: (s) =>
      s
        .running('a', 'w1', { client: 'c1', record: { cancel: 'enough', clients: 'c2', key: 'k' } })
        .holdsKey('a')
        .running('b', 'w1', { lane: 'low', more: { attempt: '2' }, record: { cancel: '' } })
        .running('c', 'w1'),
    args: [...w1, 'normal', '1-0', 1, 'low', '2-0', 0, 'normal', '3-0', 0],
    answer: 'ddd',
    published: {
      c1: [['a', 'cancelled', cancelled('enough')]],
      c2: [['a', 'cancelled', cancelled('enough')]],
    },
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: '1-0', end: 'c 1 0 <now> w1', cancel: 'enough', key: 'k' },
          ...{ call: callOf('a', 'c1'), error: cancelled('enough') },
        },
        '120 s',
      ),
      'task:b': hash(
        {
          ...{ entry: 'low/2-0', end: 'c 2 0 <now> w1', cancel: '', attempt: '2' },
          ...{ call: callOf('b'), error: cancelled('') },
        },
        '120 s',
      ),
      'task:c': home({ attempt: '0', created: '3' }),
      'key:k': null,
      'stream:normal': lane('3-0', {}, { w1: [] }),
      'stream:low': lane('2-0', {}, { w1: [] }),
      'stream:first': lane('0-0', { e1: 'c' }),
    },
    again: { answer: 'fff' },
  },
  {
    name: 'the time to begin counts for a task whose handler had not begun, the deadline for all',
    seed: (s) =>
      s
        .running('a', 'w1', { more: { expires: s.at(60_000) } })
        .running('b', 'w1', { more: { expires: s.at(60_000), deadline: s.at(30_000) } }),
    args: [...w1, 'normal', '1-0', 0, 'normal', '2-0', 1],
    answer: 'dd',
    published: { control: ['due 30000'] },
    keyspace: {
      'task:a': home({ attempt: '0', created: '1', expires: '<now+60s>' }),
      'task:b': first('e2', {
        ...{ attempt: '1', created: '2', home: 'normal' },
        ...{ expires: '<now+60s>', deadline: '<now+30s>' },
      }),
      expiring: zset({ b: '<now+30s>', a: '<now+60s>' }),
      'stream:normal': lane('2-0', {}, { w1: [] }),
      'stream:first': lane('0-0', {
        e1: ['a', callOf('a'), 'expires', '<now+60s>'],
        e2: ['b', callOf('b'), 'attempt', '1', 'deadline', '<now+30s>'],
      }),
    },
    again: { answer: 'ff' },
  },
  {
    name: 'given back for later, a task goes to the head of the line when its time comes; its attempt does not count',
    seed: (s) => s.running('a', 'w1', { more: { attempt: '1', crashes: '1' } }),
    args: [...w1, 'normal', '1-0', 5_000],
    answer: 'd',
    published: { control: ['due 5000'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'scheduled/first', call: callOf('a'), created: '1', home: 'normal' },
        ...{ attempt: '1', crashes: '1' },
      }),
      scheduled: zset({ a: '<now>' }),
      'stream:normal': lane('1-0', {}, { w1: [] }),
    },
    again: { answer: 'f' },
  },
  {
    name: 'given back for later when its time to begin is over already, it is to expire at once',
    seed: (s) => s.running('a', 'w1', { more: { expires: s.at(-20_000) } }),
    args: [...w1, 'normal', '1-0', 60_000],
    answer: 'd',
    published: { control: ['due 0'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'scheduled/first', call: callOf('a'), created: '1', home: 'normal' },
        ...{ attempt: '0', expires: '<now-20s>' },
      }),
      scheduled: zset({ a: '<now+60s>' }),
      expiring: zset({ a: '<now-20s>' }),
      'stream:normal': lane('1-0', {}, { w1: [] }),
    },
    again: { answer: 'f' },
  },
  { name: 'nothing to give back is nothing done', args: [...w1], answer: '' },
  {
    name: 'at maxmemory tasks are given back',
    full: true,
    seed: (s) => s.running('a', 'w1'),
    args: [...w1, 'normal', '1-0', 1],
    answer: 'd',
    keyspace: {
      'task:a': home({ attempt: '1', created: '1' }),
      'stream:normal': lane('1-0', {}, { w1: [] }),
      'stream:first': lane('0-0', { e1: ['a', callOf('a'), 'attempt', '1'] }),
    },
    again: { answer: 'f' },
  },
])

for (const [name, test] of tests) it(name, test)
