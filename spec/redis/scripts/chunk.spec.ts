/** chunk: what a handler yields goes into the buffer by its number, under the token of the task alone, as far as there is room. */

import { it } from 'node:test'
import { hash } from '../../support/keyspace.ts'
import { table } from '../../support/script-table.ts'
import type { Seed } from '../../support/seed.ts'

const MIB4 = 4 * 1024 * 1024
const WEEK = '604800 s'

/** A running task whose attempt has yielded: what the record says, and what nobody has taken. */
const yields = (s: Seed, chunks: string, buffer: string[], more: Record<string, string> = {}): Seed => {
  s.running('a', 'w1', { record: { chunks, tied: '1', ...more } })
  return buffer.length > 0 ? s.command('RPUSH', 'P:chunks:a', ...buffer) : s
}
const record = (chunks: string, more: Record<string, string> = {}) =>
  hash({ entry: '1-0', chunks, tied: '1', ...more })
const list = (...items: string[]) => ({ list: items, expires: WEEK })

/** how, most, first, chunks. */
const write = (how: string, most: number, first: number, ...chunks: string[]) => [
  ...['a', 'normal', '1-0', 1, how, most, MIB4, first],
  ...chunks,
]

const tests = table('chunk', [
  {
    name: 'the first chunks of a task make its buffer, and its record is not plain any more',
    seed: (s) => s.running('a', 'w1'),
    args: write('wait', 256, 1, 'x', 'yy'),
    answer: [2, 'unread'],
    keyspace: { 'task:a': record('1-0 1 2 0 3 0'), 'chunks:a': list('x', 'yy') },
  },
  {
    name: 'those that follow go behind; a reader that waits for some is told once',
    seed: (s) => yields(s, '1-0 1 2 2 0 0', [], { reader: `c1.1 ${s.at(0)}` }),
    args: write('wait', 256, 3, 'x', 'y'),
    answer: [4, 'reads'],
    published: { c1: [['a', 'chunks', '']] },
    keyspace: {
      'task:a': record('1-0 1 4 2 2 0', { reader: 'c1.1 <now>' }),
      'chunks:a': list('x', 'y'),
    },
  },
  {
    name: 'a reader that has not taken all comes again by itself',
    seed: (s) => yields(s, '1-0 1 1 0 1 0', ['x'], { reader: `c1.1 ${s.at(0)}` }),
    args: write('wait', 256, 2, 'y'),
    answer: [2, 'reads'],
    keyspace: {
      'task:a': record('1-0 1 2 0 2 0', { reader: 'c1.1 <now>' }),
      'chunks:a': list('x', 'y'),
    },
  },
  {
    name: 'sent again with more behind: what is there is left out',
    seed: (s) => yields(s, '1-0 1 2 0 2 0', ['x', 'y']),
    args: write('wait', 256, 1, 'x', 'y', 'z'),
    answer: [3, 'unread'],
    keyspace: { 'task:a': record('1-0 1 3 0 3 0'), 'chunks:a': list('x', 'y', 'z') },
  },
  {
    name: 'what finds no room is left out, and half of it is waited for',
    seed: (s) => yields(s, '1-0 1 2 0 2 0', ['x', 'y']),
    args: write('wait', 3, 3, 'z', 'zz'),
    answer: [3, 'unread'],
    keyspace: { 'task:a': record('1-0 1 3 0 3 2'), 'chunks:a': list('x', 'y', 'z') },
  },
  {
    name: 'room is a matter of bytes too',
    seed: (s) => yields(s, '1-0 1 1 0 4194300 0', ['x']),
    args: write('wait', 256, 2, 'four', 'y'),
    answer: [2, 'unread'],
    keyspace: { 'task:a': record('1-0 1 2 0 4194304 1'), 'chunks:a': list('x', 'four') },
  },
  {
    name: 'an empty buffer takes one chunk of any size',
    seed: (s) => s.running('a', 'w1'),
    args: ['a', 'normal', '1-0', 1, 'wait', 256, 3, 1, 'large', 'y'],
    answer: [1, 'unread'],
    keyspace: { 'task:a': record('1-0 1 1 0 5 1'), 'chunks:a': list('large') },
  },
  {
    name: 'where the oldest are to go they do, as many as it takes',
    seed: (s) => yields(s, '1-0 1 3 0 3 0', ['x', 'y', 'z'], { reader: `c1.1 ${s.at(0)}` }),
    args: write('drop', 3, 4, '4', '5'),
    answer: [5, 'reads'],
    keyspace: {
      'task:a': record('1-0 1 5 0 3 0', { reader: 'c1.1 <now>' }),
      'chunks:a': list('z', '4', '5'),
    },
  },
  {
    name: 'and where they are to go while nobody reads, and nobody does',
    seed: (s) => yields(s, '1-0 1 2 0 2 1', ['x', 'y']),
    args: write('unread', 2, 3, 'z'),
    answer: [3, 'unread'],
    keyspace: { 'task:a': record('1-0 1 3 0 2 0'), 'chunks:a': list('y', 'z') },
  },
  {
    name: 'who has said nothing for long does not read',
    seed: (s) => yields(s, '1-0 1 2 0 2 1', ['x', 'y'], { reader: `c1.1 ${s.at(-60_000)}` }),
    args: write('unread', 2, 3, 'z'),
    answer: [3, 'unread'],
    keyspace: {
      'task:a': record('1-0 1 3 0 2 0', { reader: 'c1.1 <now-60s>' }),
      'chunks:a': list('y', 'z'),
    },
  },
  {
    name: 'while somebody reads they stay',
    seed: (s) => yields(s, '1-0 1 2 0 2 0', ['x', 'y'], { reader: `c1.1 ${s.at(0)}` }),
    args: write('unread', 2, 3, 'z'),
    answer: [2, 'reads'],
    keyspace: {
      'task:a': record('1-0 1 2 0 2 1', { reader: 'c1.1 <now>' }),
      'chunks:a': list('x', 'y'),
    },
  },
  {
    name: 'who has left is not waited for',
    seed: (s) => yields(s, '1-0 1 2 0 2 1', ['x', 'y'], { reader: 'left' }),
    args: write('wait', 2, 3, 'z'),
    answer: [3, 'left'],
    keyspace: { 'task:a': record('1-0 1 3 0 2 0', { reader: 'left' }), 'chunks:a': list('y', 'z') },
  },
  {
    name: 'another attempt begins anew: what nobody read of the last one goes, and the reader is told',
    seed: (s) => yields(s, '0-1 1 7 3 2 1', ['x', 'y'], { reader: `c1.1 ${s.at(0)}`, attempt: '1' }),
    args: ['a', 'normal', '1-0', 2, 'wait', 256, MIB4, 1, 'new'],
    answer: [1, 'reads'],
    published: { c1: [['a', 'chunks', '']] },
    keyspace: {
      'task:a': record('1-0 2 1 0 3 0', { reader: 'c1.1 <now>', attempt: '1' }),
      'chunks:a': list('new'),
    },
  },
  {
    name: 'also by a word without chunks, before it has any',
    seed: (s) => yields(s, '0-1 1 7 3 2 1', ['x', 'y'], { attempt: '1' }),
    args: ['a', 'normal', '1-0', 2, 'wait', 256, MIB4, 1],
    answer: [0, 'unread'],
    keyspace: { 'task:a': record('1-0 2 0 0 0 0', { attempt: '1' }), 'chunks:a': null },
  },
  {
    name: 'where Redis has forgotten some in between, the buffer goes on after the gap',
    seed: (s) => yields(s, '1-0 1 3 1 2 0', ['x', 'y']),
    args: write('wait', 256, 9, 'z'),
    answer: [9, 'unread'],
    keyspace: { 'task:a': record('1-0 1 9 1 1 0'), 'chunks:a': list('z') },
  },
  {
    name: 'a buffer that is gone weighs nothing',
    seed: (s) => yields(s, '1-0 1 3 1 4194304 0', []),
    args: write('wait', 256, 4, 'z'),
    answer: [4, 'unread'],
    keyspace: { 'task:a': record('1-0 1 4 1 1 0'), 'chunks:a': list('z') },
  },
  {
    name: 'of a task in another lane: under its lane and entry',
    seed: (s) => s.running('a', 'w1', { lane: 'first' }),
    args: ['a', 'first', '1-0', 1, 'wait', 256, MIB4, 1, 'x'],
    answer: [1, 'unread'],
    keyspace: {
      'task:a': hash({ entry: 'first/1-0', chunks: 'first/1-0 1 1 0 1 0', tied: '1' }),
      'chunks:a': list('x'),
    },
  },
  {
    name: 'fenced under another token',
    seed: (s) => s.running('a', 'w1'),
    args: ['a', 'normal', '2-0', 1, 'wait', 256, MIB4, 1, 'x'],
    answer: [-1],
  },
  {
    name: 'fenced when the task has ended',
    seed: (s) => s.ended('a', 'failed', 'error'),
    args: ['a', 'normal', '9-0', 1, 'wait', 256, MIB4, 1, 'x'],
    answer: [-1],
  },
  { name: 'fenced without a record', args: write('wait', 256, 1, 'x'), answer: [-1] },
  {
    name: 'fenced by what is no record',
    seed: (s) => s.command('SET', 'P:task:a', 'junk'),
    args: write('wait', 256, 1, 'x'),
    answer: [-1],
  },
  {
    name: 'at maxmemory it is refused: the handler waits',
    full: true,
    seed: (s) => s.running('a', 'w1'),
    args: write('wait', 256, 1, 'x'),
    refused: /OOM/,
  },
])

for (const [name, test] of tests) it(name, test)
