/** What becomes of the chunks that nobody has read when their task ends, is run again, or is removed. */

import { describe, it } from 'node:test'
import { callOf, hash, lane } from '../../support/keyspace.ts'
import { table } from '../../support/script-table.ts'
import type { Seed } from '../../support/seed.ts'

const OPEN = { chunks: '1-0 1 2 0 2 0', tied: '1' }
const ENDED = { chunks: '9-0 1 2 0 2 0', tied: '1' }
const DAYS = 100_000_000
const nothing = lane('1-0', {}, { w1: [] })
const buffer = (expires?: string) => ({ list: ['x', 'y'], ...(expires && { expires }) })

const running = (s: Seed) => s.running('a', 'w1', { record: OPEN }).command('RPUSH', 'P:chunks:a', 'x', 'y')
const failed = (s: Seed) =>
  s
    .ended('a', 'failed', 'error', { ...ENDED, reader: 'left', created: '50' })
    .command('ZADD', 'P:failed', 1, 'a')
    .command('RPUSH', 'P:chunks:a', 'x', 'y')
const turn = (state: string) => [
  ...['w1', 0, 1_000, 3, DAYS],
  ['normal', state, 1, DAYS, 'a', '1-0', 7, 'v', 'kept', ''],
]
const record = (end: string, fields: Record<string, string>) =>
  hash({ entry: '1-0', end: `${end} 1 7 <now> w1`, call: 'kept', ...OPEN, ...fields }, '100000 s')

describe('turn', () => {
  const tests = table('turn', [
    {
      name: 'they stay as long as the record of a task that succeeded',
      seed: running,
      args: turn('succeeded'),
      answer: ['d'],
      keyspace: {
        'task:a': record('s', { result: 'v' }),
        'chunks:a': buffer('100000 s'),
        'stream:normal': nothing,
      },
      again: { answer: ['a'] },
    },
    {
      name: 'and for an hour where it failed',
      seed: running,
      args: turn('failed'),
      answer: ['d'],
      keyspace: {
        'task:a': record('f', { error: 'v' }),
        'chunks:a': buffer('3600 s'),
        failed: { zset: { a: '<now>' } },
        'stream:normal': nothing,
      },
      again: { answer: ['a'] },
    },
  ])
  for (const [name, test] of tests) it(name, test)
})

describe('redrive', () => {
  const tests = table('redrive', [
    {
      name: 'a task that runs again yields anew, for whoever comes',
      seed: failed,
      args: ['a'],
      answer: ['retried'],
      keyspace: {
        'task:a': hash({ entry: 'e1', created: '50', errors: '1 200 error', tied: '1' }),
        'chunks:a': null,
        failed: null,
        'stream:normal': lane('0-0', { e1: 'a' }),
      },
      again: { answer: ['alive'] },
    },
  ])
  for (const [name, test] of tests) it(name, test)
})

describe('remove', () => {
  const tests = table('remove', [
    {
      name: 'they go with the record',
      seed: failed,
      args: ['not wanted', 60_000, 'a'],
      answer: ['removed'],
      keyspace: { 'task:a': null, 'chunks:a': null, failed: null },
      again: { answer: ['none'] },
    },
    {
      name: 'those of an earlier attempt of a task that waits soon after it',
      seed: (s) => s.scheduled('a', DAYS, { record: ENDED }).command('RPUSH', 'P:chunks:a', 'x', 'y'),
      args: ['not wanted', 60_000, 'a'],
      answer: ['removed'],
      keyspace: {
        'task:a': hash(
          {
            ...{ entry: 'scheduled/normal', end: 'c 0 0 <now> ', call: callOf('a'), created: '50', ...ENDED },
            error: 'TaskCancelledError ERR_MILLRACE_TASK_CANCELLED: not wanted',
          },
          '30 s',
        ),
        'chunks:a': buffer('60 s'),
        scheduled: null,
      },
    },
  ])
  for (const [name, test] of tests) it(name, test)
})
