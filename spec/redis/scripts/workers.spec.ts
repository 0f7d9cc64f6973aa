/** workers: who is registered, how each stands, and how many tasks each holds. */

import { it } from 'node:test'
import { type Row, table } from '../../support/script-table.ts'

/** Of a registration that says nothing. */
const NOTHING = ['', '', '', '', '']

/** Times are shown as whether they are there, but for those that a row has seeded. */
const shape = (answer: unknown): unknown =>
  (answer as unknown[][]).map((worker) =>
    worker.map((item) => (/^\d{13}$/.test(String(item)) ? '<time>' : item)),
  )

const rows: Row[] = [
  { name: 'where nobody is registered there is nobody', args: [1_000], answer: [] },
  { name: 'without streams too', bare: true, args: [1_000], answer: [] },
  {
    name: 'what the registration says',
    seed: (s) =>
      s
        .worker('w1', { tasks: 'a b' })
        .command('HSET', 'P:worker:w1', 'host', 'h', 'pid', '7', 'concurrency', '10', 'started', s.now),
    args: [1_000],
    answer: [['w1', 'running', 'h', '7', '10', 'a b', '<time>', '<time>', 0]],
  },
  {
    name: 'how many entries each holds, in all lanes; those of strangers are nobodies',
    seed: (s) =>
      s
        .worker('w1', { lease: 1_000 })
        .worker('w2')
        .running('a', 'w1')
        .running('b', 'w1')
        .running('c', 'w1', { lane: 'low' })
        .running('d', 'w2', { lane: 'first' })
        .running('e', 'stranger')
        .queued('f'),
    args: [1_000],
    answer: [
      ['w1', 'running', ...NOTHING, '<time>', 3],
      ['w2', 'running', ...NOTHING, '<time>', 1],
    ],
  },
  {
    name: 'silent goes before what it was told, that before the pause of the queue',
    seed: (s) => {
      s.command('HSET', 'P:settings', 'paused', '1', 'concurrency', '5')
      s.markedDead('w0').expired('w1').command('HSET', 'P:worker:w1', 'order', 'stop')
      s.worker('w2', { lease: 1_000 }).command('HSET', 'P:worker:w2', 'order', 'stop')
      s.worker('w3', { lease: 2_000 }).command('HSET', 'P:worker:w3', 'order', 'quiet')
      s.worker('w4', { lease: 3_000 }).command('HSET', 'P:worker:w4', 'asked', '2', 'concurrency', '10')
    },
    args: [1_000],
    answer: [
      ['w0', 'silent', '', '', '5', '', '', '<time>', 0],
      ['w1', 'silent', '', '', '5', '', '', '<time>', 0],
      ['w2', 'stopping', '', '', '5', '', '', '<time>', 0],
      ['w3', 'quiet', '', '', '5', '', '', '<time>', 0],
      ['w4', 'paused', '', '', '2', '', '', '<time>', 0],
    ],
  },
  {
    name: 'a registration whose details are gone',
    seed: (s) => s.command('ZADD', 'P:workers', s.now + 60_000, 'w1'),
    args: [1_000],
    answer: [['w1', 'running', ...NOTHING, '', 0]],
  },
  {
    name: 'not more than are asked for',
    seed: (s) => s.worker('w1', { lease: 1_000 }).worker('w2'),
    args: [1],
    answer: [['w1', 'running', ...NOTHING, '<time>', 0]],
  },
]

for (const [name, test] of table('workers', rows, shape)) it(name, test)
