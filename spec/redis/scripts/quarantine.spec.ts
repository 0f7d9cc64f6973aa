/** quarantine: entries that have not the shape of one leave the stream, once, and a sample of each is kept. */

import { it } from 'node:test'
import { lane } from '../../support/keyspace.ts'
import { table } from '../../support/script-table.ts'

const tests = table('quarantine', [
  {
    name: 'pending entries are kept as samples and leave the stream; named again, nothing happens',
    seed: (s) =>
      s
        .entry('normal', 'three', 'fields', 'too', 'many')
        .entry('low', 'a', 'b', 'c', 'd', 'e', 'f')
        .deliver('w1')
        .deliver('w1', 'low')
        .queued('good'),
    args: ['normal', '1-0', 'sample 1', 'low', '2-0', 'sample 2'],
    answer: null,
    keyspace: {
      'stream:normal': lane('1-0', { '3-0': 'good' }, { w1: [] }),
      'stream:low': lane('2-0', {}, { w1: [] }),
      quarantine: {
        list: [
          ['<now>', 'low/2-0', 'not a call', 'sample 2'],
          ['<now>', 'normal/1-0', 'not a call', 'sample 1'],
        ],
      },
    },
  },
  {
    name: 'who holds it makes no difference: an entry without the shape of one is nobody’s',
    seed: (s) => s.entry('normal', 'a', 'b', 'c', 'd').deliver('w2'),
    args: ['normal', '1-0', ''],
    answer: null,
    keyspace: {
      'stream:normal': lane('1-0', {}, { w2: [] }),
      quarantine: { list: [['<now>', 'normal/1-0', 'not a call', '']] },
    },
  },
  {
    name: 'an entry that nobody has read, that is not there, or whose lane is not there, is left alone',
    bare: true,
    seed: (s) => s.group('normal').running('a', 'w1').queued('b').entry('high', 'x', 'y'),
    args: ['normal', '2-0', 'sample', 'normal', '9-0', 'sample', 'high', '3-0', 'sample', 'low', '1-0', ''],
    answer: null,
  },
  {
    name: 'an entry that was deleted under the pending list is cleared from it',
    seed: (s) => s.running('a', 'w1').command('XDEL', 'P:stream:normal', '1-0'),
    args: ['normal', '1-0', ''],
    answer: null,
    keyspace: {
      'stream:normal': lane('1-0', {}, { w1: [] }),
      quarantine: { list: [['<now>', 'normal/1-0', 'not a call', '']] },
    },
  },
  {
    name: 'of a sample the first 256 bytes are kept',
    seed: (s) => s.entry('normal', 'a', 'b').deliver('w1'),
    args: ['normal', '1-0', 's'.repeat(300)],
    answer: null,
    keyspace: {
      'stream:normal': lane('1-0', {}, { w1: [] }),
      quarantine: { list: [['<now>', 'normal/1-0', 'not a call', 's'.repeat(256)]] },
    },
  },
  {
    name: 'the last hundred of the quarantined are kept',
    seed: (s) => {
      for (let i = 0; i < 100; i++) s.command('RPUSH', 'P:quarantine', Buffer.from([0xa1, 0x30 + (i % 10)]))
      s.entry('normal', 'a', 'x').deliver('w1')
    },
    args: ['normal', '1-0', 'sample'],
    answer: null,
    keyspace: {
      'stream:normal': lane('1-0', {}, { w1: [] }),
      quarantine: {
        list: [
          ['<now>', 'normal/1-0', 'not a call', 'sample'],
          ...Array.from({ length: 99 }, (_, i) => String(i % 10)),
        ],
      },
    },
  },
  { name: 'nothing named is nothing done', args: [], answer: null },
  {
    name: 'at maxmemory entries are quarantined',
    full: true,
    seed: (s) => s.entry('normal', 'a', 'x').deliver('w1'),
    args: ['normal', '1-0', 'sample'],
    answer: null,
    keyspace: {
      'stream:normal': lane('1-0', {}, { w1: [] }),
      quarantine: { list: [['<now>', 'normal/1-0', 'not a call', 'sample']] },
    },
  },
])

for (const [name, test] of tests) it(name, test)
