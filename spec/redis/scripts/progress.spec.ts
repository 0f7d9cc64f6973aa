/** progress: the newest value goes to the record and to who asked for it, from the holder of the task alone. */

import { it } from 'node:test'
import { hash, short } from '../../support/keyspace.ts'
import { table } from '../../support/script-table.ts'

const running = (fields: Record<string, string>) =>
  hash({ entry: 'normal/1-0', state: 'running', worker: 'w1', attempt: '1', started: '100', ...fields })

const kib64 = 'x'.repeat(65_536)
const six = [1, 2, 3, 4, 5, 6].map((n) => `${n}-0`)

const tests = table('progress', [
  {
    name: 'progress is written over what was there, and told to every client that joined; again to each, sent again',
    seed: (s) =>
      s
        .running('a', 'w1', { client: 'asked', record: { progress: 'old', version: '2', clients: 'c1 c2' } })
        .running('b', 'w1'),
    args: ['w1', 'a', 'normal', '1-0', 'new', 3, 'b', 'normal', '2-0', 'value of b', 3],
    answer: 'dd',
    published: { c1: [[['a', 'progress', '3', 'new']]], c2: [[['a', 'progress', '3', 'new']]] },
    keyspace: {
      'task:a': running({ progress: 'new', version: '3', clients: 'c1 c2' }),
      'task:b': running({ entry: 'normal/2-0', progress: 'value of b', version: '3' }),
    },
    again: { published: { c1: [[['a', 'progress', '3', 'new']]], c2: [[['a', 'progress', '3', 'new']]] } },
  },
  {
    name: 'progress counts while start is on its way',
    seed: (s) => s.delivered('a', 'w1'),
    args: ['w1', 'a', 'normal', '1-0', 'early', 3],
    answer: 'd',
    keyspace: { 'task:a': hash({ entry: 'normal/1-0', progress: 'early', version: '3' }) },
  },
  {
    name: 'progress is fenced under another token, from another worker, of an ended task, of an unknown one, of junk',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { clients: 'c1' } })
        .running('b', 'w2', { record: { clients: 'c1' } })
        .ended('c', 'failed', 'error', { clients: 'c1' })
        .command('SET', 'P:task:e', 'junk')
        .record('f', { note: 'junk' }),
    args: [
      ...['w1', 'a', 'normal', '2-0', 'v', 3, 'a', 'high', '1-0', 'v', 3, 'b', 'normal', '2-0', 'v', 3],
      ...['c', 'normal', '9-0', 'v', 3, 'd', 'normal', '1-0', 'v', 3, 'e', 'normal', '1-0', 'v', 3],
      ...['f', '', '', 'v', 3],
    ],
    answer: 'fffffff',
  },
  {
    name: 'of a batch only the reports of lost tasks are fenced',
    seed: (s) => s.running('a', 'w1').running('b', 'w2'),
    args: ['w1', 'b', 'normal', '2-0', 'v', 3, 'a', 'normal', '1-0', 'v', 3],
    answer: 'fd',
    keyspace: { 'task:a': running({ progress: 'v', version: '3' }) },
  },
  {
    name: 'the progress of a zombie counts while its task was not recovered',
    seed: (s) => s.markedDead('w1').running('a', 'w1'),
    args: ['w1', 'a', 'normal', '1-0', 'v', 3],
    answer: 'd',
    keyspace: { 'task:a': running({ progress: 'v', version: '3' }) },
  },
  {
    name: 'a large value is left in the record; the client is told that it is there',
    seed: (s) => s.running('a', 'w1', { record: { clients: 'c1' } }),
    args: ['w1', 'a', 'normal', '1-0', `${kib64}x`, 3],
    answer: 'd',
    published: { c1: [[['a', 'progress', '3']]] },
    keyspace: { 'task:a': running({ progress: short(`${kib64}x`), version: '3', clients: 'c1' }) },
    again: { published: { c1: [[['a', 'progress', '3']]] } },
  },
  {
    name: 'a message that passes 256 KiB is sent off, and the rest goes in the next',
    seed: (s) => six.map((_, i) => s.running(`t${i + 1}`, 'w1', { record: { clients: 'c1' } })),
    args: ['w1', ...six.flatMap((entry, i) => [`t${i + 1}`, 'normal', entry, kib64, 3])],
    answer: 'dddddd',
    published: { c1: messages() },
    keyspace: Object.fromEntries(
      six.map((entry, i) => [
        `task:t${i + 1}`,
        running({ entry: `normal/${entry}`, progress: short(kib64), version: '3', clients: 'c1' }),
      ]),
    ),
    again: { published: { c1: messages() } },
  },
  { name: 'nothing reported is nothing done', args: ['w1'], answer: '' },
  {
    name: 'at maxmemory progress is written and told',
    full: true,
    seed: (s) => s.running('a', 'w1', { record: { clients: 'c1' } }),
    args: ['w1', 'a', 'normal', '1-0', 'v', 3],
    answer: 'd',
    published: { c1: [[['a', 'progress', '3', 'v']]] },
    keyspace: { 'task:a': running({ progress: 'v', version: '3', clients: 'c1' }) },
    again: { published: { c1: [[['a', 'progress', '3', 'v']]] } },
  },
])

function messages() {
  const all = six.map((_, i) => [`t${i + 1}`, 'progress', '3', short(kib64)])
  return [all.slice(0, 5), all.slice(5)]
}

for (const [name, test] of tests) it(name, test)
