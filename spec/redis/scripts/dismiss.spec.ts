/** dismiss: consumers without a worker go, and nothing that is pending is destroyed with them. */

import { it } from 'node:test'
import { lane } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const rows: Row[] = [
  {
    name: 'who is not registered and holds nothing goes from every lane; workers stay, dead ones too',
    seed: (s) =>
      s
        .worker('w1')
        .markedDead('w2')
        .command('XGROUP', 'CREATECONSUMER', 'P:stream:normal', 'workers', 'w1')
        .command('XGROUP', 'CREATECONSUMER', 'P:stream:normal', 'workers', 'w2')
        .command('XGROUP', 'CREATECONSUMER', 'P:stream:normal', 'workers', 'w3')
        .command('XGROUP', 'CREATECONSUMER', 'P:stream:low', 'workers', 'w3')
        .command('XGROUP', 'CREATECONSUMER', 'P:stream:low', 'workers', 'w4'),
    args: [],
    answer: ['w3', 'w4'],
    keyspace: { 'stream:normal': lane('0-0', {}, { w1: [], w2: [] }), 'stream:low': lane('0-0') },
    again: { answer: [] },
  },
  {
    name: 'who holds something, in any lane, stays in all of them',
    seed: (s) =>
      s
        .running('a', 'w1', { lane: 'low' })
        .command('XGROUP', 'CREATECONSUMER', 'P:stream:first', 'workers', 'w1'),
    args: [],
    answer: [],
  },
  { name: 'where there are no streams nobody goes', bare: true, args: [], answer: [] },
  {
    name: 'at maxmemory too',
    full: true,
    seed: (s) => s.command('XGROUP', 'CREATECONSUMER', 'P:stream:normal', 'workers', 'w1'),
    args: [],
    answer: ['w1'],
    keyspace: { 'stream:normal': lane('0-0') },
    again: { answer: [] },
  },
]

for (const [name, test] of table('dismiss', rows)) it(name, test)
