/** beat: a registration is made once and only refreshed; who was declared dead stays dead. */

import { it } from 'node:test'
import { hash, zset } from '../../support/keyspace.ts'
import { table } from '../../support/script-table.ts'

const LEASE = 60_000
const DAY = '86400 s'

const tests = table('beat', [
  {
    name: 'a worker registers with its details; sent again, it is registered still',
    seed: (s) => s.worker('w2', { lease: 30_000 }),
    args: ['w1', LEASE, 'register', 'host', 'h', 'pid', '7'],
    answer: 'alive',
    keyspace: {
      workers: zset({ w1: '<now+60s>', w2: '<now+30s>' }),
      'worker:w1': hash({ since: '<now>', started: '<now>', host: 'h', pid: '7' }, DAY),
    },
  },
  {
    name: 'a worker without details registers too',
    args: ['w1', LEASE, 'register'],
    answer: 'alive',
    keyspace: {
      workers: zset({ w1: '<now+60s>' }),
      'worker:w1': hash({ since: '<now>', started: '<now>' }, DAY),
    },
  },
  {
    name: 'a beat in time gives a new lease, and the time since which all came in time stays',
    seed: (s) => s.worker('w1', { lease: LEASE / 2 + 1_000 }).command('PEXPIRE', 'P:worker:w1', 3_600_000),
    args: ['w1', LEASE],
    answer: 'alive',
    keyspace: {
      workers: zset({ w1: '<now+60s>' }),
      'worker:w1': hash({ since: '<now-600s>' }, DAY),
    },
  },
  {
    name: 'a beat after more than half the lease starts that time anew: others may have lost theirs meanwhile',
    seed: (s) => s.worker('w1', { lease: LEASE / 2 - 1_000 }),
    args: ['w1', LEASE],
    answer: 'alive',
    keyspace: {
      workers: zset({ w1: '<now+60s>' }),
      'worker:w1': hash({ since: '<now>' }, DAY),
    },
  },
  {
    name: 'a beat that came late, while nobody had noticed, starts that time anew',
    seed: (s) => s.expired('w1'),
    args: ['w1', LEASE],
    answer: 'alive',
    keyspace: {
      workers: zset({ w1: '<now+60s>' }),
      'worker:w1': hash({ since: '<now>' }, DAY),
    },
  },
  {
    name: 'registering a living id again is a beat: its details and its time stay',
    seed: (s) => s.worker('w1', { lease: 40_000 }),
    args: ['w1', LEASE, 'register', 'host', 'other'],
    answer: 'alive',
    keyspace: { workers: zset({ w1: '<now+60s>' }) },
  },
  {
    name: 'a question that somebody waits for is told with each beat',
    seed: (s) =>
      s
        .worker('w1', { lease: LEASE })
        .command('HSET', 'P:worker:w1', 'question', 'q1', 'until', s.now + 60_000),
    args: ['w1', LEASE],
    answer: 'alive q1',
  },
  {
    name: 'a question that nobody waits for any more is not',
    seed: (s) =>
      s
        .worker('w1', { lease: LEASE })
        .command('HSET', 'P:worker:w1', 'question', 'q1', 'until', s.now - 60_000),
    args: ['w1', LEASE],
    answer: 'alive',
  },
  {
    name: 'who was declared dead is told so and changes nothing',
    seed: (s) => s.markedDead('w1'),
    args: ['w1', LEASE],
    answer: 'dead',
  },
  {
    name: 'an id that was declared dead cannot be registered again',
    seed: (s) => s.markedDead('w1'),
    args: ['w1', LEASE, 'register', 'host', 'h'],
    answer: 'dead',
  },
  {
    name: 'who was never registered, has left, or was cleared away is dead, and a beat makes nothing',
    seed: (s) => s.worker('w2'),
    args: ['w1', LEASE],
    answer: 'dead',
  },
  {
    name: 'at maxmemory a worker registers',
    full: true,
    args: ['w1', LEASE, 'register', 'host', 'h'],
    answer: 'alive',
    keyspace: {
      workers: zset({ w1: '<now+60s>' }),
      'worker:w1': hash({ since: '<now>', started: '<now>', host: 'h' }, DAY),
    },
  },
  {
    name: 'at maxmemory a worker beats, in time and late',
    full: true,
    seed: (s) => s.expired('w1'),
    args: ['w1', LEASE],
    answer: 'alive',
    keyspace: { workers: zset({ w1: '<now+60s>' }), 'worker:w1': hash({ since: '<now>' }, DAY) },
  },
])

for (const [name, test] of tests) it(name, test)
