/** leave: a registration ends with nothing left behind, and not before nothing is held. */

import { it } from 'node:test'
import { lane, zset } from '../../support/keyspace.ts'
import { table } from '../../support/script-table.ts'

const tests = table('leave', [
  {
    name: 'a worker that holds nothing leaves no registration and no consumer behind; the others stay',
    seed: (s) =>
      s
        .worker('w1')
        .worker('w2')
        .running('a', 'w2')
        .queued('b')
        .command('XGROUP', 'CREATECONSUMER', 'P:stream:normal', 'workers', 'w1')
        .command('XGROUP', 'CREATECONSUMER', 'P:stream:low', 'workers', 'w1'),
    args: ['w1'],
    answer: 0,
    keyspace: {
      workers: zset({ w2: '<now+60s>' }),
      'worker:w1': null,
      'stream:normal': lane('1-0', { '1-0': 'a', '2-0': 'b' }, { w2: ['1-0'] }),
      'stream:low': lane('0-0'),
    },
  },
  {
    name: 'while it holds entries, of any lane, it stays and is told how many',
    seed: (s) =>
      s
        .worker('w1')
        .running('a', 'w1', { lane: 'first' })
        .running('b', 'w1')
        .running('c', 'w1')
        .running('d', 'w1', { lane: 'low' })
        .command('XGROUP', 'CREATECONSUMER', 'P:stream:high', 'workers', 'w1'),
    args: ['w1'],
    answer: 4,
  },
  {
    name: 'an entry that was deleted under its pending list is held all the same',
    seed: (s) => s.worker('w1').running('a', 'w1').command('XDEL', 'P:stream:normal', '1-0'),
    args: ['w1'],
    answer: 1,
  },
  {
    name: 'who was declared dead and holds nothing may leave',
    seed: (s) => s.markedDead('w1'),
    args: ['w1'],
    answer: 0,
    keyspace: { workers: null, 'worker:w1': null },
  },
  {
    name: 'who was declared dead and holds something stays for those that recover it',
    seed: (s) => s.markedDead('w1').running('a', 'w1'),
    args: ['w1'],
    answer: 1,
  },
  { name: 'an unknown worker has left', seed: (s) => s.running('a', 'w2'), args: ['w1'], answer: 0 },
  {
    name: 'where streams or groups are missing, what is there counts',
    bare: true,
    seed: (s) => s.group('low').worker('w1').queued('b').running('a', 'w1', { lane: 'low' }),
    args: ['w1'],
    answer: 1,
  },
  {
    name: 'where there are no streams a worker may leave',
    bare: true,
    seed: (s) => s.worker('w1'),
    args: ['w1'],
    answer: 0,
    keyspace: { workers: null, 'worker:w1': null },
  },
  {
    name: 'at maxmemory a worker may leave',
    full: true,
    seed: (s) => s.worker('w1').command('XGROUP', 'CREATECONSUMER', 'P:stream:low', 'workers', 'w1'),
    args: ['w1'],
    answer: 0,
    keyspace: { workers: null, 'worker:w1': null, 'stream:low': lane('0-0') },
  },
])

for (const [name, test] of tests) it(name, test)
