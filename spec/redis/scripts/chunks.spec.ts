/** chunks: a reader takes what there is by number, acknowledges what it has, and is the only one. */

import { it } from 'node:test'
import { hash } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'
import type { Seed } from '../../support/seed.ts'

const MIB = 1024 * 1024

const yields = (s: Seed, chunks: string, buffer: string[], more: Record<string, string> = {}): Seed => {
  s.running('a', 'w1', { record: { chunks, tied: '1', ...more } })
  return buffer.length > 0 ? s.command('RPUSH', 'P:chunks:a', ...buffer) : s
}
const record = (chunks: string, reader = 'c1.1 <now>') => hash({ entry: '1-0', chunks, tied: '1', reader })
const begin = (reader = 'c1.1', most = 64): Row['args'] => ['a', reader, 'begin', '', 1, most, MIB]
const read = (next: number, place = '1-0', reader = 'c1.1', most = 64): Row['args'] => [
  ...['a', reader, 'read', place, next, most, MIB],
]
const me = (s: Seed) => ({ reader: `c1.1 ${s.at(0)}` })

const tests = table('chunks', [
  {
    name: 'who begins is given what there is, and it stays until he says that he has it',
    seed: (s) => yields(s, '1-0 1 2 0 2 0', ['x', 'y']),
    args: begin(),
    answer: ['ok', '1-0', '1', 1, 1, 'x', 'y'],
    keyspace: { 'task:a': record('1-0 1 2 0 2 0') },
  },
  {
    name: 'who begins before there is anything is known to read',
    seed: (s) => s.running('a', 'w1'),
    args: begin(),
    answer: ['ok', '', '0', 1, 1],
    keyspace: { 'task:a': hash({ entry: '1-0', reader: 'c1.1 <now>' }) },
  },
  {
    name: 'a task that waits in line can be read before it runs',
    seed: (s) => s.queued('a'),
    args: begin(),
    answer: ['ok', '', '0', 1, 1],
    keyspace: { 'task:a': hash({ entry: '1-0', reader: 'c1.1 <now>' }) },
  },
  {
    name: 'reading on takes away what he has',
    seed: (s) => yields(s, '1-0 1 4 0 4 0', ['x', 'y', 'z', '4'], me(s)),
    args: read(3),
    answer: ['ok', '1-0', '1', 3, 3, 'z', '4'],
    keyspace: { 'task:a': record('1-0 1 4 2 2 0'), 'chunks:a': { list: ['z', '4'] } },
  },
  {
    name: 'who has all is given nothing',
    seed: (s) => yields(s, '1-0 1 2 0 2 0', ['x', 'y'], me(s)),
    args: read(3),
    answer: ['ok', '1-0', '1', 3, 3],
    keyspace: { 'task:a': record('1-0 1 2 2 0 0'), 'chunks:a': null },
  },
  {
    name: 'a page has as many as were asked for',
    seed: (s) => yields(s, '1-0 1 4 1 3 0', ['x', 'y', 'z'], me(s)),
    args: read(2, '1-0', 'c1.1', 2),
    answer: ['ok', '1-0', '1', 2, 2, 'x', 'y'],
    keyspace: { 'task:a': record('1-0 1 4 1 3 0') },
  },
  {
    name: 'and no more bytes, but one chunk at least',
    seed: (s) => yields(s, '1-0 1 3 0 6 0', ['xxxx', 'y', 'z'], me(s)),
    args: ['a', 'c1.1', 'read', '1-0', 1, 64, 3],
    answer: ['ok', '1-0', '1', 1, 1, 'xxxx'],
    keyspace: { 'task:a': record('1-0 1 3 0 6 0') },
  },
  {
    name: 'a sign of life takes nothing',
    seed: (s) => yields(s, '1-0 1 2 0 2 0', ['x', 'y'], { reader: `c1.1 ${s.at(-20_000)}` }),
    args: read(1, '1-0', 'c1.1', 0),
    answer: ['ok', '1-0', '1', 1, 1],
    keyspace: { 'task:a': record('1-0 1 2 0 2 0') },
  },
  {
    name: 'what was dropped shows as a gap',
    seed: (s) => yields(s, '1-0 1 9 2 2 0', ['8', '9'], me(s)),
    args: read(3),
    answer: ['ok', '1-0', '1', 3, 8, '8', '9'],
    keyspace: { 'task:a': record('1-0 1 9 2 2 0') },
  },
  {
    name: 'also where the buffer is gone altogether',
    seed: (s) => yields(s, '1-0 1 9 2 0 0', [], me(s)),
    args: read(3),
    answer: ['ok', '1-0', '1', 3, 10],
    keyspace: { 'task:a': record('1-0 1 9 2 0 0') },
  },
  {
    name: 'to have what was dropped meanwhile takes nothing else away',
    seed: (s) => yields(s, '1-0 1 9 2 2 0', ['8', '9'], me(s)),
    args: read(5),
    answer: ['ok', '1-0', '1', 5, 8, '8', '9'],
    keyspace: { 'task:a': record('1-0 1 9 4 2 0') },
  },
  {
    name: 'another attempt begins at its first',
    seed: (s) => yields(s, '1-0 2 2 0 2 0', ['x', 'y'], me(s)),
    args: read(50, '0-1'),
    answer: ['ok', '1-0', '2', 1, 1, 'x', 'y'],
    keyspace: { 'task:a': record('1-0 2 2 0 2 0') },
  },
  {
    name: 'who follows another goes on after what that one had',
    seed: (s) => yields(s, '1-0 1 5 3 2 0', ['4', '5'], { reader: `c2.7 ${s.at(-60_000)}` }),
    args: begin(),
    answer: ['ok', '1-0', '1', 4, 4, '4', '5'],
    published: { c2: [['a', 'chunks', '']] },
    keyspace: { 'task:a': record('1-0 1 5 3 2 0') },
  },
  {
    name: 'the one before is told, and finds that he reads no more',
    seed: (s) => yields(s, '1-0 1 1 0 1 0', ['x'], { reader: `c2.1 ${s.at(0)}` }),
    args: read(2),
    answer: ['taken'],
    keyspace: {},
  },
  {
    name: 'also where that other one has left',
    seed: (s) => yields(s, '1-0 1 1 0 1 0', ['x'], { reader: 'left' }),
    args: read(2),
    answer: ['taken'],
  },
  {
    name: 'where Redis has forgotten who reads, he goes on',
    seed: (s) => yields(s, '1-0 1 1 0 1 0', ['x']),
    args: read(1),
    answer: ['ok', '1-0', '1', 1, 1, 'x'],
    keyspace: { 'task:a': record('1-0 1 1 0 1 0') },
  },
  {
    name: 'a worker that waits for room is told when half of it is there',
    seed: (s) => yields(s, '1-0 1 4 0 4 2', ['x', 'y', 'z', '4'], me(s)),
    args: read(4),
    answer: ['ok', '1-0', '1', 4, 4, '4'],
    published: { control: ['room 1-0'] },
    keyspace: { 'task:a': record('1-0 1 4 3 1 0'), 'chunks:a': { list: ['4'] } },
  },
  {
    name: 'and not before',
    seed: (s) => yields(s, '1-0 1 4 0 4 2', ['x', 'y', 'z', '4'], me(s)),
    args: read(3),
    answer: ['ok', '1-0', '1', 3, 3, 'z', '4'],
    keyspace: { 'task:a': record('1-0 1 4 2 2 2'), 'chunks:a': { list: ['z', '4'] } },
  },
  {
    name: 'who leaves says what he had, and the worker waits no more',
    seed: (s) => yields(s, '1-0 1 4 0 4 2', ['x', 'y', 'z', '4'], me(s)),
    args: ['a', 'c1.1', 'leave', '1-0', 2, 0, MIB],
    answer: ['left'],
    published: { control: ['room 1-0'] },
    keyspace: { 'task:a': record('1-0 1 4 1 3 0', 'left'), 'chunks:a': { list: ['y', 'z', '4'] } },
  },
  {
    name: 'who leaves after another has begun changes nothing',
    seed: (s) => yields(s, '1-0 1 1 0 1 1', ['x'], { reader: `c2.1 ${s.at(0)}` }),
    args: ['a', 'c1.1', 'leave', '1-0', 2, 0, MIB],
    answer: ['left'],
  },
  {
    name: 'of a task that has ended what is left can be read, and its record goes when it would have gone',
    seed: (s) =>
      s
        .ended('a', 'succeeded', 'v', { chunks: '9-0 1 2 0 2 0', tied: '1' })
        .command('RPUSH', 'P:chunks:a', 'x', 'y')
        .command('PEXPIRE', 'P:chunks:a', 60_000),
    args: begin(),
    answer: ['ok', '9-0', '1', 1, 1, 'x', 'y'],
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: '9-0', end: 's 1 100 200 w1', call: '\0call of a', result: 'v' },
          ...{ chunks: '9-0 1 2 0 2 0', tied: '1', reader: 'c1.1 <now>' },
        },
        '60 s',
      ),
    },
  },
  { name: 'without a record there is nothing', args: begin(), answer: ['none'] },
  {
    name: 'nor of what is no record',
    seed: (s) => s.command('SET', 'P:task:a', 'junk'),
    args: begin(),
    answer: ['none'],
  },
  {
    name: 'at maxmemory it works: it makes room',
    full: true,
    seed: (s) => yields(s, '1-0 1 1 0 1 0', ['x'], me(s)),
    args: read(2),
    answer: ['ok', '1-0', '1', 2, 2],
    keyspace: { 'task:a': record('1-0 1 1 1 0 0'), 'chunks:a': null },
  },
])

for (const [name, test] of tests) it(name, test)
