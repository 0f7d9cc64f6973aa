/** progress: the newest value goes to the record and to who asked for it, under the token of the task alone. */

import { it } from 'node:test'
import { callOf, hash, short } from '../../support/keyspace.ts'
import { table } from '../../support/script-table.ts'

const running = (fields: Record<string, string>) => hash({ entry: '1-0', ...fields })

const kib64 = 'x'.repeat(65_536)
const six = [1, 2, 3, 4, 5, 6].map((n) => `${n}-0`)

const tests = table('progress', [
  {
    name: 'progress is written over what was there, and told to every client that joined; again to each, sent again',
    seed: (s) =>
      s
        .running('a', 'w1', { client: 'asked', record: { progress: 'old', version: '2', clients: 'c1 c2' } })
        .running('b', 'w1'),
    args: ['a', 'normal', '1-0', 'new', 3, 'b', 'normal', '2-0', 'value of b', 3],
    answer: 'dd',
    published: { c1: [['a', 'progress:3', 'new']], c2: [['a', 'progress:3', 'new']] },
    keyspace: {
      'task:a': running({ progress: 'new', version: '3', clients: 'c1 c2' }),
      'task:b': running({ entry: '2-0', progress: 'value of b', version: '3' }),
    },
    again: { published: { c1: [['a', 'progress:3', 'new']], c2: [['a', 'progress:3', 'new']] } },
  },
  {
    name: 'progress of a task in another lane counts under that lane and entry',
    seed: (s) => s.running('a', 'w1', { lane: 'first', record: { attempt: '1', created: '50' } }),
    args: ['a', 'first', '1-0', 'v', 3],
    answer: 'd',
    keyspace: {
      'task:a': hash({ entry: 'first/1-0', attempt: '1', created: '50', progress: 'v', version: '3' }),
    },
  },
  {
    name: 'progress is fenced under another token, of an ended task, of an unknown one, of junk',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { clients: 'c1' } })
        .ended('c', 'failed', 'error', { clients: 'c1' })
        .command('SET', 'P:task:e', 'junk')
        .record('f', { note: 'junk' }),
    args: [
      ...['a', 'normal', '2-0', 'v', 3, 'a', 'high', '1-0', 'v', 3],
      ...['c', 'normal', '9-0', 'v', 3, 'd', 'normal', '1-0', 'v', 3, 'e', 'normal', '1-0', 'v', 3],
      ...['f', '', '', 'v', 3],
    ],
    answer: 'ffffff',
  },
  {
    name: 'progress of a worker whose task was given to another is fenced: the task has another token',
    seed: (s) =>
      s
        .entry('normal', 'a', callOf('a'))
        .deliver('w1')
        .entry('first', 'a', callOf('a'), 'attempt', '1')
        .deliver('w2', 'first')
        .record('a', { entry: 'first/2-0', attempt: '1', created: '1', clients: 'c1' }),
    args: ['a', 'normal', '1-0', 'v', 3],
    answer: 'f',
  },
  {
    name: 'of a batch only the reports of lost tasks are fenced',
    seed: (s) => s.running('a', 'w1').running('b', 'w2', { record: { entry: 'first/7-0' } }),
    args: ['b', 'normal', '2-0', 'v', 3, 'a', 'normal', '1-0', 'v', 3],
    answer: 'fd',
    keyspace: { 'task:a': running({ progress: 'v', version: '3' }) },
  },
  {
    name: 'the progress of a zombie counts while its task was not recovered',
    seed: (s) => s.markedDead('w1').running('a', 'w1'),
    args: ['a', 'normal', '1-0', 'v', 3],
    answer: 'd',
    keyspace: { 'task:a': running({ progress: 'v', version: '3' }) },
  },
  {
    name: 'a large value is left in the record; the client is told that it is there',
    seed: (s) => s.running('a', 'w1', { record: { clients: 'c1' } }),
    args: ['a', 'normal', '1-0', `${kib64}x`, 3],
    answer: 'd',
    published: { c1: [['a', 'progress:3', null]] },
    keyspace: { 'task:a': running({ progress: short(`${kib64}x`), version: '3', clients: 'c1' }) },
    again: { published: { c1: [['a', 'progress:3', null]] } },
  },
  {
    name: 'a message that passes 256 KiB is sent off, and the rest goes in the next',
    seed: (s) => six.map((_, i) => s.running(`t${i + 1}`, 'w1', { record: { clients: 'c1' } })),
    args: [...six.flatMap((entry, i) => [`t${i + 1}`, 'normal', entry, kib64, 3])],
    answer: 'dddddd',
    published: { c1: messages() },
    keyspace: Object.fromEntries(
      six.map((entry, i) => [
        `task:t${i + 1}`,
        running({ entry, progress: short(kib64), version: '3', clients: 'c1' }),
      ]),
    ),
    again: { published: { c1: messages() } },
  },
  {
    name: 'it says of which task there are calls that hear of it, which it cannot make',
    seed: (s) => s.running('a', 'w1').running('b', 'w1', { record: { hears: '1' } }),
    args: ['a', 'normal', '1-0', 'v', 3, 'b', 'normal', '2-0', 'v', 3],
    answer: 'dh',
    keyspace: {
      'task:a': running({ progress: 'v', version: '3' }),
      'task:b': running({ entry: '2-0', progress: 'v', version: '3', hears: '1' }),
    },
  },
  { name: 'nothing reported is nothing done', args: [], answer: '' },
  {
    name: 'at maxmemory progress is written and told',
    full: true,
    seed: (s) => s.running('a', 'w1', { record: { clients: 'c1' } }),
    args: ['a', 'normal', '1-0', 'v', 3],
    answer: 'd',
    published: { c1: [['a', 'progress:3', 'v']] },
    keyspace: { 'task:a': running({ progress: 'v', version: '3', clients: 'c1' }) },
    again: { published: { c1: [['a', 'progress:3', 'v']] } },
  },
])

function messages() {
  const all = six.map((_, i) => [`t${i + 1}`, 'progress:3', short(kib64)])
  return [all.slice(0, 5).flat(), all.slice(5).flat()]
}

for (const [name, test] of tests) it(name, test)
