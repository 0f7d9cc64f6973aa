/** settings: what operators have set, for all workers or for one; every change is told to all. */

import { it } from 'node:test'
import { hash } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const DAY = '86400 s'

const rows: Row[] = [
  { name: 'where nothing was set there is nothing', args: [''], answer: ['', '', ''] },
  {
    name: 'who only reads changes nothing and tells nobody',
    seed: (s) => s.command('HSET', 'P:settings', 'paused', '1', 'concurrency', '5').worker('w1'),
    args: ['w1'],
    answer: ['1', '5', ''],
  },
  {
    name: 'pausing is said in so many words, each time',
    args: ['', 'paused', 1],
    answer: ['1', '', ''],
    published: { control: ['paused'] },
    keyspace: { settings: hash({ paused: '1' }) },
    again: { published: { control: ['paused'] } },
  },
  {
    name: 'resuming leaves nothing behind, and is told as a change',
    seed: (s) => s.command('HSET', 'P:settings', 'paused', '1'),
    args: ['', 'paused', ''],
    answer: ['', '', ''],
    published: { control: ['settings'] },
    keyspace: { settings: null },
    again: { published: { control: ['settings'] } },
  },
  {
    name: 'the concurrency of all workers, also of those that come later',
    seed: (s) => s.worker('w1'),
    args: ['', 'concurrency', 20],
    answer: ['', '20', ''],
    published: { control: ['settings'] },
    keyspace: { settings: hash({ concurrency: '20' }) },
    again: { published: { control: ['settings'] } },
  },
  {
    name: 'a change while the queue is paused says so again',
    seed: (s) => s.command('HSET', 'P:settings', 'paused', '1'),
    args: ['', 'concurrency', 20],
    answer: ['1', '20', ''],
    published: { control: ['paused'] },
    keyspace: { settings: hash({ paused: '1', concurrency: '20' }) },
    again: { published: { control: ['paused'] } },
  },
  {
    name: 'the concurrency of one worker goes before that of all, and goes with the worker',
    seed: (s) => s.command('HSET', 'P:settings', 'concurrency', '20').worker('w1').worker('w2'),
    args: ['w1', 'concurrency', 3],
    answer: ['', '3', ''],
    published: { control: ['settings'] },
    keyspace: { 'worker:w1': hash({ since: '<now-600s>', asked: '3' }, DAY) },
    again: { published: { control: ['settings'] } },
  },
  {
    name: 'taken back, that of all counts again',
    seed: (s) =>
      s
        .command('HSET', 'P:settings', 'concurrency', '20')
        .worker('w1')
        .command('HSET', 'P:worker:w1', 'asked', '3'),
    args: ['w1', 'concurrency', ''],
    answer: ['', '20', ''],
    published: { control: ['settings'] },
    keyspace: { 'worker:w1': hash({ since: '<now-600s>' }, DAY) },
    again: { published: { control: ['settings'] } },
  },
  {
    name: 'several at once',
    seed: (s) => s.command('HSET', 'P:settings', 'paused', '1'),
    args: ['', 'concurrency', 20, 'paused', ''],
    answer: ['', '20', ''],
    published: { control: ['settings'] },
    keyspace: { settings: hash({ concurrency: '20' }) },
    again: { published: { control: ['settings'] } },
  },
  {
    name: 'of a worker that nobody knows there are none, and none are made',
    seed: (s) => s.worker('w1'),
    args: ['w2', 'concurrency', 3],
    answer: 'none',
  },
  {
    name: 'what the worker was told is told once more, and no change of settings takes it back',
    seed: (s) => s.worker('w1').command('HSET', 'P:worker:w1', 'order', 'quiet').worker('w2'),
    args: ['w1', 'concurrency', 3],
    answer: ['', '3', 'quiet'],
    published: { control: ['settings'] },
    keyspace: { 'worker:w1': hash({ since: '<now-600s>', order: 'quiet', asked: '3' }, DAY) },
    again: { published: { control: ['settings'] } },
  },
  {
    name: 'at maxmemory a queue is paused',
    full: true,
    args: ['', 'paused', 1],
    answer: ['1', '', ''],
    published: { control: ['paused'] },
    keyspace: { settings: hash({ paused: '1' }) },
    again: { published: { control: ['paused'] } },
  },
]

for (const [name, test] of table('settings', rows)) it(name, test)
