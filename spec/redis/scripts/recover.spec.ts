/**
 * recover: what dead workers hold goes back in line with a crash charged, what living ones hold never does, and an
 * outage is no death.
 */

import { it } from 'node:test'
import type { FrameItem } from '../../../lib/redis/frame.ts'
import { callOf, hash, lane, short, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'
import type { Seed } from '../../support/seed.ts'

const LEASE = 60_000
const MAX_CRASHES = 3

const recover = (lease = LEASE, most = 100): FrameItem[] => ['w1', lease, most, MAX_CRASHES, 120_000, 3]

/** How long to wait in steps of 10 s, less is soon: the answer holds ms of the server's clock. */
function shape(answer: unknown): unknown {
  const [wait, ...rest] = answer as [number, ...unknown[]]
  return [wait === 0 ? 0 : wait < 8_000 ? 'soon' : `${Math.round(wait / 10_000) * 10} s`, ...rest]
}

/** What is there of a worker that was registered, once it is cleared away and w1 alone is left. */
const w2Gone = { workers: zset({ w1: '<now+60s>' }), 'worker:w2': null }
const empty = lane('1-0')
const w2Held = (s: Seed) => s.expired('w2').running('a', 'w2')
/** The record of a task of lane normal that w2 held, the first worker that died of it. */
const a = (fields: Record<string, string> = {}) =>
  hash({ entry: 'first/e1', created: '1', home: 'normal', crashed: 'w2', ...fields })
const entry = (id: string, attempt = '1', crashes = '1') => [
  ...[id, callOf(id)],
  ...['attempt', attempt, 'crashes', crashes],
]
/** At the head of the line, begun once before. */
const moved = (...ids: string[]) =>
  lane('0-0', Object.fromEntries(ids.map((id, i) => [`e${i + 1}`, entry(id)])))
const idle = async (client: { xinfo(...args: ['CONSUMERS', string, string]): Promise<unknown> }) => {
  const consumers = (await client.xinfo('CONSUMERS', 'spec:{q}:stream:normal', 'workers')) as unknown[][]
  return consumers.every((consumer) => Number(consumer[5]) > 60)
}

const cancelled = 'TaskCancelledError ERR_MILLRACE_TASK_CANCELLED: enough'

const gate: Row[] = [
  {
    name: 'a reaper that is not registered recovers nothing, and looks again after a lease',
    seed: w2Held,
    args: recover(),
    answer: ['60 s', 0, 0],
  },
  {
    name: 'a reaper that was declared dead recovers nothing',
    seed: (s) => w2Held(s.markedDead('w1')),
    args: recover(),
    answer: ['soon', 0, 0],
  },
  {
    name: 'a reaper whose own lease is over recovers nothing: an outage has ended all leases',
    seed: (s) => w2Held(s.worker('w1', { lease: -1_000 })),
    args: recover(),
    answer: ['soon', 0, 0],
  },
  {
    name: 'a reaper that was silent for half its lease recovers nothing: so was perhaps everybody',
    seed: (s) => w2Held(s.worker('w1', { lease: LEASE / 2 - 1_000 })),
    args: recover(),
    answer: ['soon', 0, 0],
  },
  {
    name: 'a reaper whose beats have not come in time for a full lease waits for the rest of it',
    seed: (s) => w2Held(s.worker('w1', { since: 20_000 })),
    args: recover(),
    answer: ['40 s', 0, 0],
  },
  {
    name: 'just before a full lease of beats in time nothing is recovered',
    seed: (s) => w2Held(s.worker('w1', { since: LEASE - 3_000 })),
    args: recover(),
    answer: ['soon', 0, 0],
  },
  {
    name: 'just after it what the dead hold is recovered',
    seed: (s) => w2Held(s.worker('w1', { since: LEASE + 1 })),
    args: recover(),
    answer: ['60 s', 1, 0, 'w2'],
    keyspace: {
      ...w2Gone,
      'task:a': a({ attempt: '1', crashes: '1' }),
      'stream:first': moved('a'),
      'stream:normal': empty,
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'a reaper of whose beats nothing is known waits a lease',
    seed: (s) => w2Held(s.worker('w1').command('DEL', 'P:worker:w1')),
    args: recover(),
    answer: ['60 s', 0, 0],
  },
]

const moves: Row[] = [
  {
    name: 'with nobody dead nothing is recovered, however long tasks run, and the next look is at the next end of a lease',
    seed: (s) =>
      s.worker('w1').worker('w2', { lease: 20_000 }).running('a', 'w2').running('b', 'w1').queued('c'),
    args: recover(),
    answer: ['20 s', 0, 0],
  },
  {
    name: 'what a dead worker held goes to the head of the line in order; each counts an attempt and a crash',
    seed: (s) =>
      s
        .worker('w1')
        .expired('w2')
        .running('a', 'w2', {
          more: { attempt: '1', crashes: '1' },
          record: { created: '50', crashed: 'w9', progress: 'p', clients: 'c1' },
        })
        .running('b', 'w2')
        .running('c', 'w2', { lane: 'first', more: { attempt: '2' }, record: { created: '60', home: 'low' } })
        .running('d', 'w1')
        .queued('e'),
    args: recover(),
    answer: ['60 s', 3, 0, 'w2'],
    keyspace: {
      ...w2Gone,
      'task:a': a({
        entry: 'first/e2',
        attempt: '2',
        created: '50',
        crashes: '2',
        crashed: 'w9 w2',
        progress: 'p',
        clients: 'c1',
      }),
      'task:b': a({ entry: 'first/e3', attempt: '1', created: '2', crashes: '1' }),
      'task:c': a({ attempt: '3', created: '60', crashes: '1', home: 'low' }),
      'stream:first': lane('3-0', { e1: entry('c', '3'), e2: entry('a', '2', '2'), e3: entry('b') }),
      'stream:normal': lane('4-0', { '4-0': 'd', '5-0': 'e' }, { w1: ['4-0'] }),
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'in an untidy lane an entry above an older one that was delivered just now stays until that one ends',
    seed: (s) =>
      s.worker('w1').expired('w2').running('b', 'w1').running('a', 'w2').queued('c').untidy('normal'),
    fresh: [['w1', 'normal', '1-0']],
    args: recover(),
    answer: ['60 s', 1, 0, 'w2'],
    keyspace: {
      ...w2Gone,
      'task:a': a({ created: '2', attempt: '1', crashes: '1' }),
      'stream:first': moved('a'),
      'stream:normal': lane('2-0', { '1-0': 'b', '2-0': 'a', '3-0': 'c' }, { w1: ['1-0'] }),
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'a worker that was declared dead and came not to its end is taken up again',
    seed: (s) => s.worker('w1').markedDead('w2').running('a', 'w2'),
    args: recover(),
    answer: ['60 s', 1, 0, 'w2'],
    keyspace: {
      ...w2Gone,
      'task:a': a({ attempt: '1', crashes: '1' }),
      'stream:first': moved('a'),
      'stream:normal': empty,
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'a task that has killed its last worker fails as poison, with its call kept and everybody told',
    seed: (s) =>
      s
        .worker('w1')
        .expired('w2')
        .running('a', 'w2', {
          client: 'c1',
          more: { attempt: '2', crashes: '2' },
          record: { clients: 'c1 c2' },
        }),
    args: recover(),
    answer: ['60 s', 0, 1, 'w2'],
    published: { c1: [['a', 'failed', poison(3)]], c2: [['a', 'failed', poison(3)]] },
    keyspace: {
      ...w2Gone,
      'task:a': hash(
        {
          ...{ entry: '1-0', end: 'f 3 0 <now> w2', attempt: '2', crashes: '3', crashed: 'w2' },
          ...{ call: callOf('a', 'c1'), error: poison(3) },
        },
        '120 s',
      ),
      'stream:normal': empty,
      failed: zset({ a: '<now>' }),
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'what a worker that is dead already was given once more is not charged to the task a second time',
    seed: (s) =>
      s
        .worker('w1')
        .expired('w2')
        .running('a', 'w2', {
          more: { attempt: '1', crashes: '1' },
          record: { crashes: '1', crashed: 'w9 w2' },
        }),
    args: recover(),
    answer: ['60 s', 1, 0, 'w2'],
    keyspace: {
      ...w2Gone,
      'task:a': a({ attempt: '2', crashes: '1', crashed: 'w9 w2' }),
      'stream:first': lane('0-0', { e1: entry('a', '2') }),
      'stream:normal': empty,
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'every delivered entry is charged on its own: the one at its cap fails, the others move',
    seed: (s) =>
      s
        .worker('w1')
        .expired('w2')
        .running('b', 'w2', { record: { attempt: '2', created: '60', crashes: '2' } })
        .running('a', 'w2', { record: { attempt: '1', created: '50', crashes: '1' } })
        .running('c', 'w2'),
    args: recover(),
    answer: ['60 s', 2, 1, 'w2'],
    keyspace: {
      ...w2Gone,
      'task:a': a({ attempt: '2', created: '50', crashes: '2' }),
      'task:b': hash(
        {
          ...{
            entry: '1-0',
            end: 'f 3 0 <now> w2',
            attempt: '2',
            created: '60',
            crashes: '3',
            crashed: 'w2',
          },
          ...{ call: callOf('b'), error: poison(3) },
        },
        '120 s',
      ),
      'task:c': a({ entry: 'first/e2', created: '3', attempt: '1', crashes: '1' }),
      'stream:first': lane('0-0', { e1: entry('a', '2', '2'), e2: entry('c') }),
      'stream:normal': lane('3-0'),
      failed: zset({ b: '<now>' }),
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'a suspect that its worker held behind another had not begun, and is not charged',
    seed: (s) =>
      s
        .worker('w1')
        .expired('w2')
        .running('b', 'w2')
        .running('a', 'w2', { more: { attempt: '2', crashes: '2' }, record: { crashed: 'w8 w9' } }),
    args: recover(),
    answer: ['60 s', 2, 0, 'w2'],
    keyspace: {
      ...w2Gone,
      'task:a': a({ entry: 'first/e2', created: '2', attempt: '3', crashes: '2', crashed: 'w8 w9' }),
      'task:b': a({ attempt: '1', crashes: '1' }),
      'stream:first': lane('0-0', { e1: entry('b'), e2: entry('a', '3', '2') }),
      'stream:normal': lane('2-0'),
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'in another lane too: what it was given later is behind',
    seed: (s) =>
      s
        .worker('w1')
        .expired('w2')
        .running('b', 'w2')
        .running('a', 'w2', {
          lane: 'first',
          more: { attempt: '2', crashes: '2' },
          record: { home: 'normal', crashed: 'w8 w9' },
        }),
    // Delivered just now, while the other has run for a minute.
    fresh: [['w2', 'first', '2-0']],
    args: recover(),
    answer: ['60 s', 2, 0, 'w2'],
    keyspace: {
      ...w2Gone,
      'task:a': a({ created: '2', attempt: '3', crashes: '2', crashed: 'w8 w9' }),
      'task:b': a({ entry: 'first/e2', attempt: '1', crashes: '1' }),
      'stream:first': lane('2-0', { e1: entry('a', '3', '2'), e2: entry('b') }),
      'stream:normal': lane('1-0'),
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'what the same turn brought from an earlier lane is ahead of a suspect',
    seed: (s) =>
      s
        .worker('w1')
        .expired('w2')
        .running('b', 'w2', { lane: 'first', record: { home: 'normal' } })
        .running('a', 'w2', { more: { attempt: '2', crashes: '2' }, record: { crashed: 'w8 w9' } }),
    args: recover(),
    answer: ['60 s', 2, 0, 'w2'],
    keyspace: {
      ...w2Gone,
      'task:a': a({ entry: 'first/e2', created: '2', attempt: '3', crashes: '2', crashed: 'w8 w9' }),
      'task:b': a({ attempt: '1', crashes: '1' }),
      'stream:first': lane('1-0', { e1: entry('b'), e2: entry('a', '3', '2') }),
      'stream:normal': lane('2-0'),
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'failures as poison count for the cap of the dead letters',
    seed: (s) =>
      s
        .worker('w1')
        .expired('w2')
        .running('a', 'w2', { record: { crashes: '2' } })
        .failed('x', 1)
        .failed('y', 2)
        .failed('z', 3),
    args: recover(),
    answer: ['60 s', 0, 1, 'w2'],
    keyspace: {
      ...w2Gone,
      'task:a': hash(
        {
          ...{ entry: '1-0', end: 'f 1 0 <now> w2', crashes: '3', crashed: 'w2' },
          ...{ call: callOf('a'), error: poison(3) },
        },
        '120 s',
      ),
      'task:x': hash({ entry: '9-0', end: 'f 1 100 200 w1', call: callOf('x'), error: 'error of x' }, '30 s'),
      'stream:normal': empty,
      failed: zset({ y: '2', z: '3', a: '<now>' }),
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'the poison names all workers that died of it, those that are known',
    seed: (s) =>
      s
        .worker('w1')
        .expired('w2')
        .running('a', 'w2', { more: { attempt: '2', crashes: '2' }, record: { crashed: 'w8 w9' } }),
    args: recover(),
    answer: ['60 s', 0, 1, 'w2'],
    keyspace: {
      ...w2Gone,
      'task:a': hash(
        {
          ...{ entry: '1-0', end: 'f 3 0 <now> w2', attempt: '2', crashes: '3', crashed: 'w8 w9 w2' },
          ...{ call: callOf('a'), error: poison(3, 'w8, w9, w2') },
        },
        '120 s',
      ),
      'stream:normal': empty,
      failed: zset({ a: '<now>' }),
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'of very many names the last ones are kept',
    seed: (s) =>
      s
        .worker('w1')
        .expired('w2')
        .running('a', 'w2', { record: { crashed: 'x'.repeat(500) } }),
    args: recover(),
    answer: ['60 s', 1, 0, 'w2'],
    keyspace: {
      ...w2Gone,
      'task:a': a({ attempt: '1', crashes: '1', crashed: short(`${'x'.repeat(497)} w2`) }),
      'stream:first': moved('a'),
      'stream:normal': empty,
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'a task that was asked to be cancelled ends so, and is neither poison nor recovered',
    seed: (s) =>
      s
        .worker('w1')
        .expired('w2')
        .running('a', 'w2', {
          client: 'c1',
          more: { crashes: '2' },
          record: { cancel: 'enough', clients: 'c2', key: 'k' },
        })
        .holdsKey('a'),
    args: recover(),
    answer: ['60 s', 0, 0, 'w2'],
    published: { c1: [['a', 'cancelled', cancelled]], c2: [['a', 'cancelled', cancelled]] },
    keyspace: {
      ...w2Gone,
      'task:a': hash(
        {
          ...{ entry: '1-0', end: 'c 1 0 <now> w2', crashes: '3', crashed: 'w2', key: 'k' },
          ...{ cancel: 'enough', call: callOf('a', 'c1'), error: cancelled },
        },
        '120 s',
      ),
      'key:k': null,
      'stream:normal': empty,
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'the deadline counts for what is recovered, and failures go along; the time to begin is no more',
    seed: (s) =>
      s
        .worker('w1')
        .expired('w2')
        .running('a', 'w2', {
          more: { attempt: '1', failures: '1', expires: s.at(-20_000), deadline: s.at(30_000) },
        }),
    args: recover(),
    answer: ['60 s', 1, 0, 'w2'],
    published: { control: ['due 30000'] },
    keyspace: {
      ...w2Gone,
      'task:a': a({
        ...{ attempt: '2', failures: '1', crashes: '1' },
        ...{ expires: '<now-20s>', deadline: '<now+30s>' },
      }),
      expiring: zset({ a: '<now+30s>' }),
      'stream:first': lane('0-0', {
        e1: [
          ...['a', callOf('a'), 'attempt', '2', 'failures', '1', 'crashes', '1'],
          ...['deadline', '<now+30s>'],
        ],
      }),
      'stream:normal': empty,
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'when poison ends a task that holds a key, the one that waits for its end takes its place',
    seed: (s) =>
      s
        .worker('w1')
        .expired('w2')
        .running('a', 'w2', { more: { crashes: '2' }, record: { key: 'k' } })
        .holdsKey('a')
        .waiting('b', 'a'),
    args: recover(),
    answer: ['60 s', 0, 1, 'w2'],
    keyspace: {
      ...w2Gone,
      'task:a': hash(
        {
          ...{ entry: '1-0', end: 'f 1 0 <now> w2', crashes: '3', crashed: 'w2', key: 'k', next: 'b' },
          ...{ call: callOf('a'), error: poison(3) },
        },
        '120 s',
      ),
      'task:b': hash({ entry: 'e1', created: '50', key: 'k' }),
      'key:k': { string: 'b' },
      'stream:normal': lane('1-0', { e1: 'b' }),
      failed: zset({ a: '<now>' }),
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'entries without a task are quarantined, those of ended and moved tasks dropped, deleted ones cleared',
    seed: (s) =>
      s
        .worker('w1')
        .expired('w2')
        .entry('normal', 'bad id!', 'sample 1')
        .entry('normal', 'other', 'sample 2')
        .command('SET', 'P:task:other', 'junk')
        .entry('normal', 'gone', 'sample 3')
        .entry('normal', 'done', callOf('done'))
        .ended('done', 'succeeded', 'value', { entry: '4-0', end: 's 1 100 200 w2' })
        .deliver('w2', 'normal', 4)
        .command('XDEL', 'P:stream:normal', '3-0')
        .running('moved', 'w2', { record: { entry: 'low/9-0', attempt: '1' } })
        .running('a', 'w2'),
    args: recover(),
    answer: ['60 s', 1, 0, 'w2'],
    keyspace: {
      ...w2Gone,
      'task:a': a({ created: '6', attempt: '1', crashes: '1' }),
      'stream:first': moved('a'),
      'stream:normal': lane('6-0'),
      quarantine: {
        list: [
          ['<now>', 'normal/2-0', 'record of another type', 'sample 2'],
          ['<now>', 'normal/1-0', 'no record', 'sample 1'],
        ],
      },
    },
    again: { answer: ['60 s', 0, 0] },
  },
]

const many = Array.from({ length: 17 }, (_, i) => `x${String(i + 1).padStart(2, '0')}`)

const bounds: Row[] = [
  {
    name: 'a bounded number is moved at a time; the dead one keeps its consumer while it holds something',
    seed: (s) => s.worker('w1').expired('w2').running('a', 'w2').running('b', 'w2').running('c', 'w2'),
    args: recover(LEASE, 2),
    answer: [0, 2, 0, 'w2'],
    keyspace: {
      workers: zset({ w1: '<now+60s>', w2: '0' }),
      'task:a': a({ attempt: '1', crashes: '1' }),
      'task:b': a({ entry: 'first/e2', attempt: '1', crashes: '1', created: '2' }),
      'stream:first': moved('a', 'b'),
      'stream:normal': lane('3-0', { '3-0': 'c' }, { w2: ['3-0'] }),
    },
    again: {
      answer: ['60 s', 1, 0, 'w2'],
      keyspace: {
        ...w2Gone,
        'task:c': a({ entry: 'first/e3', attempt: '1', crashes: '1', created: '3' }),
        'stream:first': moved('a', 'b', 'c'),
        'stream:normal': lane('3-0'),
      },
    },
  },
  {
    name: 'several dead share the bound; who was not looked at is marked dead already',
    seed: (s) => s.worker('w1').expired('w2').expired('w3').running('a', 'w2').running('b', 'w3'),
    args: recover(LEASE, 1),
    answer: [0, 1, 0, 'w2', 'w3'],
    keyspace: {
      workers: zset({ w1: '<now+60s>', w2: '0', w3: '0' }),
      'task:a': a({ attempt: '1', crashes: '1' }),
      'stream:first': moved('a'),
      'stream:normal': lane('2-0', { '2-0': 'b' }, { w2: [], w3: ['2-0'] }),
    },
    again: {
      answer: [0, 1, 0, 'w2', 'w3'],
      keyspace: {
        workers: zset({ w1: '<now+60s>', w3: '0' }),
        'worker:w2': null,
        'task:b': a({ entry: 'first/e2', attempt: '1', crashes: '1', crashed: 'w3', created: '2' }),
        'stream:first': moved('a', 'b'),
        'stream:normal': lane('2-0', {}, { w3: [] }),
      },
    },
  },
  {
    name: 'sixteen dead workers are looked at in one go, the next ones at once',
    seed: (s) => {
      s.worker('w1')
      for (const name of many) s.expired(name)
    },
    args: recover(),
    answer: [0, 0, 0, ...many.slice(0, 16)],
    keyspace: {
      workers: zset({ w1: '<now+60s>', x17: '<now-60s>' }),
      ...Object.fromEntries(many.slice(0, 16).map((name) => [`worker:${name}`, null])),
    },
    again: {
      answer: ['60 s', 0, 0, 'x17'],
      keyspace: { workers: zset({ w1: '<now+60s>' }), 'worker:x17': null },
    },
  },
  {
    name: 'a consumer without a registration that is silent for a lease is as dead; one with a registration is not',
    seed: (s) =>
      s
        .worker('w1')
        .worker('w3')
        .running('a', 'w2')
        .running('b', 'w3')
        .command('XGROUP', 'CREATECONSUMER', 'P:stream:normal', 'workers', 'w4'),
    ready: idle,
    args: recover(50),
    answer: ['60 s', 1, 0, 'w2', 'w4'],
    keyspace: {
      'task:a': a({ attempt: '1', crashes: '1' }),
      'stream:first': moved('a'),
      'stream:normal': lane('2-0', { '2-0': 'b' }, { w3: ['2-0'] }),
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'a consumer without a registration that was heard within the lease is left alone',
    seed: (s) => s.worker('w1').running('a', 'w2'),
    args: recover(),
    answer: ['60 s', 0, 0],
  },
  {
    name: 'a silent consumer without a registration is left alone too by a reaper whose own lease is over',
    seed: (s) => s.worker('w1', { lease: -1_000 }).running('a', 'w2'),
    ready: idle,
    args: recover(50),
    answer: ['soon', 0, 0],
  },
  {
    name: 'a dead worker is cleared away where there are no streams, or only some',
    bare: true,
    seed: (s) => s.group('normal').worker('w1').expired('w2').running('a', 'w2').queued('b', { lane: 'low' }),
    args: recover(),
    answer: ['60 s', 1, 0, 'w2'],
    keyspace: {
      ...w2Gone,
      'task:a': a({ attempt: '1', crashes: '1' }),
      'stream:first': { entries: [['e1', ...entry('a')]] },
      'stream:normal': empty,
    },
    again: { answer: ['60 s', 0, 0] },
  },
  {
    name: 'at maxmemory tasks are recovered, and fail as poison',
    full: true,
    seed: (s) =>
      s
        .worker('w1')
        .expired('w2')
        .running('b', 'w2', { client: 'c1', record: { crashes: '2' } })
        .running('a', 'w2'),
    // Else a tick of the clock within the script could put it ahead of the suspect.
    fresh: [['w2', 'normal', '2-0']],
    args: recover(),
    answer: ['60 s', 1, 1, 'w2'],
    published: { c1: [['b', 'failed', poison(3)]] },
    keyspace: {
      ...w2Gone,
      'task:a': a({ created: '2', attempt: '1', crashes: '1' }),
      'task:b': hash(
        {
          ...{ entry: '1-0', end: 'f 1 0 <now> w2', crashes: '3', crashed: 'w2' },
          ...{ call: callOf('b', 'c1'), error: poison(3) },
        },
        '120 s',
      ),
      'stream:first': moved('a'),
      'stream:normal': lane('2-0'),
      failed: zset({ b: '<now>' }),
    },
    again: { answer: ['60 s', 0, 0] },
  },
]

function poison(crashes: number, by = 'w2'): string {
  return `PoisonTaskError ERR_MILLRACE_POISON: ${crashes} workers died while they ran this task: ${by}`
}

const tests = table('recover', [...gate, ...moves, ...bounds], shape)
for (const [name, test] of tests) it(name, test)
