/** enqueue: accepts calls, all or none at maxmemory, each once however often it is sent. */

import { it } from 'node:test'
import { callOf, hash, lane, short } from '../../support/keyspace.ts'
import { table } from '../../support/script-table.ts'

const a = ['normal', 'a', callOf('a')]
const b = ['normal', 'b', callOf('b')]
const big = 'x'.repeat(1_000_000)

const tests = table('enqueue', [
  {
    name: 'a new call gets a record of one field and the last place of its lane; sent again, it changes nothing',
    seed: (s) => s.queued('before'),
    args: a,
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'normal/e1' }),
      'stream:normal': lane('0-0', { '1-0': 'before', e1: 'a' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'a batch keeps its order, and each call goes to the lane it names',
    args: [
      ...a,
      'first',
      'c',
      callOf('c', 'client'),
      ...b,
      'low',
      'd',
      callOf('d'),
      'high',
      'e',
      callOf('e'),
    ],
    answer: 5,
    keyspace: {
      'task:a': hash({ entry: 'normal/e1' }),
      'task:b': hash({ entry: 'normal/e2' }),
      'task:c': hash({ entry: 'first/e1' }),
      'task:d': hash({ entry: 'low/e1' }),
      'task:e': hash({ entry: 'high/e1' }),
      'stream:first': lane('0-0', { e1: ['c', callOf('c', 'client')] }),
      'stream:high': lane('0-0', { e1: 'e' }),
      'stream:normal': lane('0-0', { e1: 'a', e2: 'b' }),
      'stream:low': lane('0-0', { e1: 'd' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'of a batch that was accepted in part, only the new calls are added, wherever the others are now',
    seed: (s) => s.running('a', 'w1').queued('b').ended('c', 'succeeded', 'value'),
    args: [...a, ...b, 'normal', 'c', callOf('c'), 'normal', 'd', callOf('d')],
    answer: 1,
    keyspace: {
      'task:d': hash({ entry: 'normal/e1' }),
      'stream:normal': lane('1-0', { '1-0': 'a', '2-0': 'b', e1: 'd' }, { w1: ['1-0'] }),
    },
    again: { answer: 0 },
  },
  {
    name: 'the same id twice in one batch is one task: the first call counts',
    args: [...a, 'high', 'a', 'another call'],
    answer: 1,
    keyspace: { 'task:a': hash({ entry: 'normal/e1' }), 'stream:normal': lane('0-0', { e1: 'a' }) },
    again: { answer: 0 },
  },
  {
    name: 'a key of another type under the name of a record is left alone, and counts as known',
    seed: (s) => s.command('SET', 'P:task:a', 'junk'),
    args: [...a, ...b],
    answer: 1,
    keyspace: { 'task:b': hash({ entry: 'normal/e1' }), 'stream:normal': lane('0-0', { e1: 'b' }) },
    again: { answer: 0 },
  },
  {
    name: 'calls are accepted before any worker has made the groups',
    bare: true,
    args: a,
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'normal/e1' }),
      'stream:normal': { entries: [['e1', 'a', callOf('a')]] },
    },
    again: { answer: 0 },
  },
  {
    name: 'a large call and every byte of it arrive as they were sent',
    args: ['normal', 'a', big, 'normal', 'b', Buffer.from([0, 255, 10, 128])],
    answer: 2,
    keyspace: {
      'task:a': hash({ entry: 'normal/e1' }),
      'task:b': hash({ entry: 'normal/e2' }),
      'stream:normal': lane('0-0', { e1: ['a', short(big)], e2: ['b', '\x00\xff\n\x80'] }),
    },
    again: { answer: 0 },
  },
  { name: 'an empty batch is nothing', args: [], answer: 0 },
  {
    name: 'at maxmemory a batch is refused before anything is written',
    full: true,
    seed: (s) => s.queued('a'),
    args: [...b, ...a],
    refused: /^ReplyError: OOM/,
  },
  {
    name: 'a lane of another type refuses its call and leaves no record of it',
    bare: true,
    seed: (s) => s.command('SET', 'P:stream:normal', 'junk'),
    args: a,
    refused: /WRONGTYPE/,
  },
])

for (const [name, test] of tests) it(name, test)
