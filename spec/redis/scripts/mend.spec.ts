/** mend: what nobody would ever take is back in line, once; what somebody will take stays where it is. */

import { it } from 'node:test'
import { callOf, hash, lane, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const rows: Row[] = [
  {
    name: 'what is in order stays as it is, and what has lost its call too',
    seed: (s) =>
      s
        .running('a', 'w1')
        .queued('b')
        .scheduled('c', 30_000)
        .parked('d', 'add')
        .ended('e', 'failed', 'error')
        .record('f', { entry: 'low/9-0' })
        .command('SET', 'P:task:g', 'junk'),
    args: ['a', '', 'b', '', 'c', '', 'd', '', 'e', '', 'f', '', 'g', '', 'h', ''],
    answer: ['fine', 'fine', 'fine', 'fine', 'fine', 'gone', 'junk', 'fine'],
  },
  {
    name: 'out of line and in no list: the last of its lane',
    seed: (s) =>
      s
        .queued('x', { lane: 'low' })
        .record('a', {
          entry: 'scheduled/low',
          call: callOf('a'),
          created: '50',
          attempt: '2',
          failures: '2',
        })
        .record('b', { entry: 'parked/normal', call: callOf('b'), created: '50', unknown: 'add' })
        .record('c', { entry: 'front/first', call: callOf('c'), created: '50' }),
    args: ['a', '', 'b', '', 'c', ''],
    answer: ['mended', 'mended', 'mended'],
    keyspace: {
      'task:a': hash({ entry: 'low/e1', created: '50', attempt: '2', failures: '2' }),
      'task:b': hash({ entry: 'e1', created: '50' }),
      'task:c': hash({ entry: 'first/e1', created: '50' }),
      'stream:low': lane('0-0', { '1-0': 'x', e1: ['a', callOf('a'), 'attempt', '2', 'failures', '2'] }),
      'stream:normal': lane('0-0', { e1: 'b' }),
      'stream:first': lane('0-0', { e1: 'c' }),
    },
    again: { answer: ['fine', 'fine', 'fine'] },
  },
  {
    name: 'read and held by nobody: the head of the line, and the attempt counts',
    seed: (s) => s.running('a', 'w1').queued('b').command('XACK', 'P:stream:normal', 'workers', '1-0'),
    args: ['a', '', 'b', ''],
    answer: ['mended', 'fine'],
    keyspace: {
      'task:a': hash({ entry: 'first/e1', created: '1', attempt: '1', home: 'normal' }),
      'stream:normal': lane('1-0', { '2-0': 'b' }, { w1: [] }),
      'stream:first': lane('0-0', { e1: ['a', callOf('a'), 'attempt', '1'] }),
    },
    again: { answer: ['fine', 'fine'] },
  },
  {
    name: 'what was to be cancelled while it ran is cancelled',
    seed: (s) =>
      s
        .running('a', 'w1', { client: 'c1', record: { cancel: 'not needed' } })
        .command('XACK', 'P:stream:normal', 'workers', '1-0'),
    args: ['a', ''],
    answer: ['mended'],
    published: {
      control: ['void'],
      c1: [['a', 'cancelled', 'TaskCancelledError ERR_MILLRACE_TASK_CANCELLED: not needed']],
    },
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: 'first/e1', created: '1', attempt: '1', home: 'normal', cancel: 'not needed' },
          ...{ end: 'c 1 0 <now> ', call: callOf('a', 'c1') },
          error: 'TaskCancelledError ERR_MILLRACE_TASK_CANCELLED: not needed',
        },
        '3600 s',
      ),
      'stream:normal': lane('1-0', {}, { w1: [] }),
      'stream:first': lane('0-0', { e1: ['a', callOf('a', 'c1'), 'attempt', '1'] }),
      'void:first': { set: ['e1'] },
    },
    again: { answer: ['fine'] },
  },
  {
    name: 'what waits for another is left alone, unless none leads to it',
    seed: (s) =>
      s
        .queued('a', { record: { key: 'k' } })
        .waiting('b', 'a')
        .record('c', { entry: 'waiting/low', call: callOf('c'), created: '50', key: 'j' }),
    args: ['b', '', 'c', '1'],
    answer: ['waiting', 'mended'],
    keyspace: {
      'task:c': hash({ entry: 'low/e1', created: '50', key: 'j' }),
      'key:j': { string: 'c' },
      'stream:low': lane('0-0', { e1: 'c' }),
    },
    again: { answer: ['waiting', 'fine'] },
  },
  {
    name: 'not before its time, where it says when',
    seed: (s) =>
      s.record('a', {
        entry: 'waiting/low',
        call: callOf('a'),
        created: '50',
        key: 'k',
        begin: s.at(30_000),
      }),
    args: ['a', '1'],
    answer: ['mended'],
    published: { control: ['due 30000'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'scheduled/low', call: callOf('a'), created: '50', key: 'k', begin: '<now+30s>' },
      }),
      'key:k': { string: 'a' },
      scheduled: zset({ a: '<now+30s>' }),
    },
    again: { answer: ['fine'] },
  },
  {
    name: 'whose key another live task holds stays as it is; one that has ended holds it no more',
    seed: (s) =>
      s
        .queued('x', { record: { key: 'k' } })
        .holdsKey('x')
        .record('a', { entry: 'scheduled/low', call: callOf('a'), created: '50', key: 'k' })
        .ended('y', 'failed', 'error', { key: 'j' })
        .command('SET', 'P:key:j', 'y', 'PX', 60_000)
        .record('b', { entry: 'scheduled/low', call: callOf('b'), created: '50', key: 'j' }),
    args: ['a', '', 'b', ''],
    answer: ['key', 'mended'],
    keyspace: {
      'task:b': hash({ entry: 'low/e1', created: '50', key: 'j' }),
      'key:j': { string: 'b' },
      'stream:low': lane('0-0', { e1: 'b' }),
    },
    again: { answer: ['key', 'fine'] },
  },
  {
    name: 'its times count as before',
    seed: (s) =>
      s.record('a', {
        ...{ entry: 'scheduled/normal', call: callOf('a'), created: '50', deadline: s.at(30_000) },
      }),
    args: ['a', ''],
    answer: ['mended'],
    published: { control: ['due 30000'] },
    keyspace: {
      'task:a': hash({ entry: 'e1', created: '50', deadline: '<now+30s>' }),
      expiring: zset({ a: '<now+30s>' }),
      'stream:normal': lane('0-0', { e1: ['a', callOf('a'), 'deadline', '<now+30s>'] }),
    },
    again: { answer: ['fine'] },
  },
  { name: 'nothing to mend is nothing done', args: [], answer: [] },
  {
    name: 'at maxmemory tasks are mended',
    full: true,
    seed: (s) => s.record('a', { entry: 'scheduled/normal', call: callOf('a'), created: '50' }),
    args: ['a', ''],
    answer: ['mended'],
    keyspace: { 'task:a': hash({ entry: 'e1', created: '50' }), 'stream:normal': lane('0-0', { e1: 'a' }) },
    again: { answer: ['fine'] },
  },
  {
    name: 'one that waits for parents that lead to it is in order, also where these have ended and promote is to tell it',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { tied: '1' } })
        .failed('x', 1)
        .child('b', ['a', 'x'])
        .command('HSET', 'P:releasing', 'x', 'f 1'),
    args: ['b', ''],
    answer: ['fine'],
  },
  {
    name: 'one that waits for a parent that is gone, or has ended unheard, is told by promote',
    seed: (s) => s.child('b', ['gone']).ended('x', 'succeeded', 'value').child('c', ['x']),
    args: ['b', '', 'c', ''],
    answer: ['mended', 'mended'],
    keyspace: {
      'task:x': hash({ entry: '9-0', end: 's 1 100 200 w1', call: callOf('x'), result: 'value' }),
      releasing: hash({ gone: 'l ', x: 's <now+60s>' }),
    },
    published: { control: ['due 0'] },
    again: { answer: ['fine', 'fine'] },
  },
  {
    name: 'one that waits and that no parent leads to any more is put in line',
    seed: (s) => s.running('a', 'w1').child('b', ['a']).command('DEL', 'P:deps:a'),
    args: ['b', ''],
    answer: ['mended'],
    keyspace: {
      'task:b': hash({ entry: 'e1', created: '50', after: 'a', policy: 'f' }),
      'stream:normal': lane('1-0', { '1-0': 'a', e1: 'b' }, { w1: ['1-0'] }),
    },
    again: { answer: ['fine'] },
  },
]

for (const [name, test] of table('mend', rows)) it(name, test)
