/** ask: a question to one worker stands in its registration until nobody waits for the answer. */

import { it } from 'node:test'
import { hash } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const DAY = '86400 s'
const since = '<now-600s>'
const told = { control: ['question w1 q1'] }

const rows: Row[] = [
  {
    name: 'that worker is told, and no other',
    seed: (s) => s.worker('w1').worker('w2'),
    args: ['w1', 'q1', 60_000],
    answer: 'asked',
    published: told,
    keyspace: { 'worker:w1': hash({ since, question: 'q1', until: '<now+60s>' }, DAY) },
    again: { published: told },
  },
  {
    name: 'the newest question takes the place of the one before',
    seed: (s) => s.worker('w1').command('HSET', 'P:worker:w1', 'question', 'q0', 'until', s.now + 30_000),
    args: ['w1', 'q1', 60_000],
    answer: 'asked',
    published: told,
    keyspace: { 'worker:w1': hash({ since, question: 'q1', until: '<now+60s>' }, DAY) },
    again: { published: told },
  },
  {
    name: 'of nobody nothing is asked, and nothing is made',
    seed: (s) => s.worker('w2').command('ZADD', 'P:workers', s.now + 60_000, 'w3'),
    args: ['w1', 'q1', 60_000],
    answer: 'none',
  },
  {
    name: 'nor of one whose registration is gone',
    seed: (s) => s.command('ZADD', 'P:workers', s.now + 60_000, 'w1'),
    args: ['w1', 'q1', 60_000],
    answer: 'none',
  },
  {
    name: 'nor of one that was declared dead',
    seed: (s) => s.markedDead('w1'),
    args: ['w1', 'q1', 60_000],
    answer: 'none',
  },
  {
    name: 'at maxmemory too',
    full: true,
    seed: (s) => s.worker('w1'),
    args: ['w1', 'q1', 60_000],
    answer: 'asked',
    published: told,
    keyspace: { 'worker:w1': hash({ since, question: 'q1', until: '<now+60s>' }, DAY) },
    again: { published: told },
  },
]

for (const [name, test] of table('ask', rows)) it(name, test)
