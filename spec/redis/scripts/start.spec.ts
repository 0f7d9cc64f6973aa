/** start: who was given an entry may run it, once it is sure that nobody else does. */

import { it } from 'node:test'
import { callOf, hash, lane, short } from '../../support/keyspace.ts'
import { table } from '../../support/script-table.ts'

const running = (fields: Record<string, string>) =>
  hash({ state: 'running', worker: 'w1', attempt: '1', started: '<now>', ...fields })

const tests = table('start', [
  {
    name: 'delivered entries are running from then on; asked again, their owner gets the same answer',
    seed: (s) =>
      s
        .worker('w1')
        .delivered('a', 'w1')
        .delivered('b', 'w1', { lane: 'high', record: { progress: '10 %', clients: 'c1', crashes: '1' } }),
    args: ['w1', 'normal', '1-0', 'a', '', 'high', '2-0', 'b', ''],
    answer: ['1', '1'],
    keyspace: {
      'task:a': running({ entry: 'normal/1-0' }),
      'task:b': running({ entry: 'high/2-0', progress: '10 %', clients: 'c1', crashes: '1' }),
    },
  },
  {
    name: 'a task that was begun before counts its next attempt, and only once',
    seed: (s) =>
      s.worker('w1').delivered('a', 'w1', { lane: 'first', record: { attempt: '2', created: '50' } }),
    args: ['w1', 'first', '1-0', 'a', ''],
    answer: ['3'],
    keyspace: { 'task:a': running({ entry: 'first/1-0', attempt: '3', created: '50' }) },
  },
  {
    name: 'a task that runs already is granted to its owner as the same attempt, and its times stay',
    seed: (s) => s.worker('w1').running('a', 'w1', { record: { attempt: '2' } }),
    args: ['w1', 'normal', '1-0', 'a', ''],
    answer: ['2'],
  },
  {
    name: 'a task that another worker runs is refused and left to it',
    seed: (s) => s.worker('w1').worker('w2').running('a', 'w2'),
    args: ['w1', 'normal', '1-0', 'a', ''],
    answer: ['taken'],
  },
  {
    name: 'the entry of a finished task is stale and dropped',
    seed: (s) =>
      s
        .worker('w1')
        .entry('normal', 'a', callOf('a'))
        .deliver('w1')
        .ended('a', 'succeeded', 'value', { entry: 'normal/1-0' }),
    args: ['w1', 'normal', '1-0', 'a', ''],
    answer: ['stale'],
    keyspace: { 'stream:normal': lane('1-0', {}, { w1: [] }) },
  },
  {
    name: 'an entry that its task has left behind is stale and dropped, in its own lane alone',
    seed: (s) =>
      s
        .worker('w1')
        .delivered('a', 'w1', { record: { entry: 'first/2-0', attempt: '1' } })
        .entry('first', 'a', callOf('a'), 'attempt', '1')
        .deliver('w2', 'first'),
    args: ['w1', 'normal', '1-0', 'a', ''],
    answer: ['stale'],
    keyspace: { 'stream:normal': lane('1-0', {}, { w1: [] }) },
  },
  {
    name: 'what nobody can run is quarantined once, however often it is asked for; the others are granted',
    seed: (s) =>
      s
        .worker('w1')
        .entry('normal', 'bad id!', 'x')
        .entry('normal', 'y'.repeat(129), 'x')
        .entry('normal', 'unknown', 'x')
        .entry('normal', 'other', 'x')
        .command('SET', 'P:task:other', 'junk')
        .entry('normal', 'three', 'fields', 'too', 'many')
        .deliver('w1', 'normal', 5)
        .delivered('a', 'w1'),
    args: [
      ...['w1', 'normal', '1-0', 'bad id!', 's'.repeat(300), 'normal', '2-0', 'y'.repeat(129), ''],
      ...['normal', '3-0', 'unknown', 'sample 3', 'normal', '4-0', 'other', ''],
      ...['normal', '5-0', '', 'sample 5', 'normal', '6-0', 'a', ''],
    ],
    answer: ['quarantined', 'quarantined', 'quarantined', 'quarantined', 'quarantined', '1'],
    keyspace: {
      'task:a': running({ entry: 'normal/6-0' }),
      'stream:normal': lane('6-0', { '6-0': 'a' }, { w1: ['6-0'] }),
      quarantine: {
        list: [
          ['<now>', 'normal/5-0', 'bad id', 'sample 5'],
          ['<now>', 'normal/4-0', 'record of another type', ''],
          ['<now>', 'normal/3-0', 'no record', 'sample 3'],
          ['<now>', 'normal/2-0', 'bad id', ''],
          ['<now>', 'normal/1-0', 'bad id', short('s'.repeat(256))],
        ],
      },
    },
  },
  {
    name: 'an entry that was deleted under the pending list is cleared from it',
    seed: (s) => s.worker('w1').delivered('a', 'w1').command('XDEL', 'P:stream:normal', '1-0'),
    args: ['w1', 'normal', '1-0', '', ''],
    answer: ['quarantined'],
    keyspace: {
      'stream:normal': lane('1-0', {}, { w1: [] }),
      quarantine: { list: [['<now>', 'normal/1-0', 'bad id', '']] },
    },
  },
  {
    name: 'the last hundred of the quarantined are kept',
    seed: (s) => {
      for (let i = 0; i < 100; i++) s.command('RPUSH', 'P:quarantine', Buffer.from([0xa1, 0x30 + (i % 10)]))
      s.worker('w1').entry('normal', 'a', 'x').deliver('w1')
    },
    args: ['w1', 'normal', '1-0', 'a', 'sample'],
    answer: ['quarantined'],
    keyspace: {
      'stream:normal': lane('1-0', {}, { w1: [] }),
      quarantine: {
        list: [
          ['<now>', 'normal/1-0', 'no record', 'sample'],
          ...Array.from({ length: 99 }, (_, i) => String(i % 10)),
        ],
      },
    },
  },
  {
    name: 'a worker that was declared dead is told so and starts nothing',
    seed: (s) => s.markedDead('w1').delivered('a', 'w1'),
    args: ['w1', 'normal', '1-0', 'a', ''],
    answer: 'dead',
  },
  {
    name: 'a worker that was never registered is told that it is dead',
    seed: (s) => s.worker('w2').delivered('a', 'w1'),
    args: ['w1', 'normal', '1-0', 'a', ''],
    answer: 'dead',
  },
  {
    name: 'a worker whose lease is over but who was not declared dead may start',
    seed: (s) => s.expired('w1').delivered('a', 'w1'),
    args: ['w1', 'normal', '1-0', 'a', ''],
    answer: ['1'],
    keyspace: { 'task:a': running({ entry: 'normal/1-0' }) },
  },
  { name: 'nothing asked is nothing granted', seed: (s) => s.worker('w1'), args: ['w1'], answer: [] },
  {
    name: 'at maxmemory entries are granted',
    full: true,
    seed: (s) => s.worker('w1').delivered('a', 'w1'),
    args: ['w1', 'normal', '1-0', 'a', ''],
    answer: ['1'],
    keyspace: { 'task:a': running({ entry: 'normal/1-0' }) },
  },
])

for (const [name, test] of tests) it(name, test)
