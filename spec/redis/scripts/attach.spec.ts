/** attach: how a task stands; and who joins an open one is told once how it goes on. */

import { it } from 'node:test'
import { callOf, hash, lane, short, zset } from '../../support/keyspace.ts'
import { table } from '../../support/script-table.ts'

const kib64 = 'x'.repeat(65_536)
/** Failures that the script itself finds are kept for 120 s, three at most. */
const LIMITS = [120_000, 3]
const ask = ['c1', 0, ...LIMITS]
const join = ['c1', 1, ...LIMITS]
const names = Array.from({ length: 256 }, (_, i) => `client-${i}`)

const late = (how: string) => `TaskExpiredError ERR_MILLRACE_TASK_EXPIRED: the task did not ${how}`

const tests = table('attach', [
  {
    name: 'open tasks, ended ones and unknown ones, in the order of the question; nothing is written',
    seed: (s) =>
      s
        .running('running', 'w1', { record: { progress: '10 %', version: '7', clients: 'c2' } })
        .running('urgent', 'w1', { lane: 'first' })
        .queued('queued')
        .queued('later', { lane: 'low' })
        .ended('succeeded', 'succeeded', 'value')
        .ended('failed', 'failed', 'error'),
    args: [...ask, 'running', 'urgent', 'queued', 'later', 'unknown', 'succeeded', 'failed', 'running'],
    answer: [
      ...[['open', '10 %', '7'], ['open'], ['open'], ['open'], ['lost'], ['succeeded', 'value']],
      ...[
        ['failed', 'error'],
        ['open', '10 %', '7'],
      ],
    ],
  },
  {
    name: 'who joins is told of open tasks from now on, after those who joined before; joined twice, told once',
    seed: (s) => s.running('a', 'w1', { record: { clients: 'c2 c3' } }).queued('b'),
    args: [...join, 'a', 'b', 'b'],
    answer: [['open'], ['open'], ['open']],
    keyspace: {
      'task:a': hash({ entry: '1-0', clients: 'c2 c3 c1' }),
      'task:b': hash({ entry: '2-0', clients: 'c1' }),
    },
  },
  {
    name: 'nobody joins a task that has ended, is unknown, or is none of ours',
    seed: (s) =>
      s.ended('a', 'succeeded', 'value').command('SET', 'P:task:c', 'junk').record('d', { note: 'junk' }),
    args: [...join, 'a', 'b', 'c', 'd'],
    answer: [['succeeded', 'value'], ['lost'], ['lost'], ['lost']],
  },
  {
    name: 'a value of 64 KiB is sent along, of a larger one only the state',
    seed: (s) =>
      s
        .ended('a', 'succeeded', kib64)
        .ended('b', 'succeeded', `${kib64}x`)
        .ended('c', 'failed', `${kib64}x`)
        .ended('d', 'succeeded', ''),
    args: [...join, 'a', 'b', 'c', 'd'],
    answer: [['succeeded', short(kib64)], ['succeeded'], ['failed'], ['succeeded', '']],
  },
  {
    name: 'past 256 clients the one that joined first is left out',
    seed: (s) => s.queued('a', { record: { clients: names.join(' ') } }),
    args: [...join, 'a'],
    answer: [['open']],
    keyspace: {
      'task:a': hash({ entry: '1-0', clients: short([...names.slice(1), 'c1'].join(' ')) }),
    },
  },
  {
    name: 'one of 256 clients that joins again leaves nobody out',
    seed: (s) => s.queued('a', { record: { clients: names.join(' ') } }),
    args: ['client-0', 1, ...LIMITS, 'a'],
    answer: [['open']],
    keyspace: {
      'task:a': hash({ entry: '1-0', clients: short([...names.slice(1), 'client-0'].join(' ')) }),
    },
  },
  {
    name: 'a task whose entry was deleted by hand will never run: it is lost, and its record goes',
    seed: (s) =>
      s
        .running('running', 'w1')
        .queued('unread')
        .record('moved', { entry: 'low/7-0' })
        .record('old', { entry: '7-0' })
        .record('odd', { entry: 'nowhere' })
        .command('XDEL', 'P:stream:normal', '1-0')
        .command('XDEL', 'P:stream:normal', '2-0'),
    args: [...ask, 'running', 'unread', 'moved', 'old', 'odd'],
    // A live worker still has it in its pending list, and may end it.
    answer: [['open'], ['lost'], ['lost'], ['lost'], ['lost']],
    keyspace: {
      'task:unread': hash({ entry: '2-0' }, '30 s'),
      'task:moved': hash({ entry: 'low/7-0' }, '30 s'),
      'task:old': hash({ entry: '7-0' }, '30 s'),
      'task:odd': hash({ entry: 'nowhere' }, '30 s'),
    },
  },
  {
    name: 'what waits elsewhere than in a lane is open too, and may be joined',
    seed: (s) =>
      s
        .scheduled('a', 30_000)
        .parked('b', 'add')
        .running('c', 'w1', { record: { key: 'k' } })
        .waiting('d', 'c')
        .record('e', { entry: 'front/first', call: callOf('e'), created: '50' }),
    args: [...join, 'a', 'b', 'd', 'e'],
    answer: [['open'], ['open'], ['open'], ['open']],
    keyspace: {
      'task:a': hash({ entry: 'scheduled/normal', call: callOf('a'), created: '50', clients: 'c1' }),
      'task:b': hash({
        ...{ entry: 'parked/normal', call: callOf('b'), created: '50', clients: 'c1' },
        ...{ unknown: 'add' },
      }),
      'task:d': hash({ entry: 'waiting/normal', call: callOf('d'), created: '50', clients: 'c1', key: 'k' }),
      'task:e': hash({ entry: 'front/first', call: callOf('e'), created: '50', clients: 'c1' }),
    },
  },
  {
    name: 'tasks that were cancelled or have expired say so',
    seed: (s) => s.ended('a', 'cancelled', 'why').ended('b', 'expired', `${kib64}x`),
    args: [...ask, 'a', 'b'],
    answer: [['cancelled', 'why'], ['expired']],
  },
  {
    name: 'a task whose time is over ends now, and who asks hears it by the answer; the others are told',
    seed: (s) =>
      s
        .queued('a', { client: 'c1', record: { expires: s.at(-1), clients: 'c2' } })
        .scheduled('b', 30_000, { record: { deadline: s.at(-1), key: 'k' } })
        .expiring('a', -1)
        .expiring('b', -1)
        .holdsKey('b'),
    args: [...join, 'a', 'b'],
    answer: [
      ['expired', late('start in time')],
      ['expired', late('end before its deadline')],
    ],
    published: {
      control: ['void'],
      c1: [['a', 'expired', late('start in time')]],
      c2: [['a', 'expired', late('start in time')]],
    },
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: '1-0', end: 'e 0 0 <now> ', expires: '<now>' },
          ...{ call: callOf('a', 'c1'), error: late('start in time') },
        },
        '120 s',
      ),
      'task:b': hash(
        {
          ...{ entry: 'scheduled/normal', end: 'e 0 0 <now> ', created: '50', deadline: '<now>', key: 'k' },
          ...{ call: callOf('b'), error: late('end before its deadline') },
        },
        '120 s',
      ),
      scheduled: null,
      expiring: null,
      'key:k': null,
    },
  },
  {
    name: 'when one ends so, the task that waits for its end takes its place, and the workers hear when that one expires',
    seed: (s) =>
      s
        .queued('a', { record: { expires: s.at(-1), key: 'k' } })
        .holdsKey('a')
        .waiting('b', 'a', { record: { deadline: s.at(60_000) } }),
    args: [...ask, 'a'],
    answer: [['expired', late('start in time')]],
    published: { control: ['void', 'due 60000'] },
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: '1-0', end: 'e 0 0 <now> ', expires: '<now>', key: 'k', next: 'b' },
          ...{ call: callOf('a'), error: late('start in time') },
        },
        '120 s',
      ),
      'task:b': hash({ entry: 'e1', created: '50', key: 'k', deadline: '<now+60s>' }),
      'key:k': { string: 'b' },
      expiring: zset({ b: '<now+60s>' }),
      'stream:normal': lane('0-0', { '1-0': 'a', e1: ['b', callOf('b'), 'deadline', '<now+60s>'] }),
    },
  },
  {
    name: 'one whose time is over and that runs is its worker’s to end',
    seed: (s) => s.running('a', 'w1', { more: { deadline: s.at(-1) } }),
    args: [...ask, 'a'],
    answer: [['open']],
  },
  {
    name: 'one whose times are not over yet goes on, by whichever of both comes first',
    seed: (s) =>
      s
        .queued('a', { more: { expires: s.at(30_000), deadline: s.at(60_000) } })
        .queued('b', { more: { expires: s.at(60_000), deadline: s.at(-1) } }),
    args: [...ask, 'a', 'b'],
    answer: [['open'], ['expired', late('end before its deadline')]],
    published: { control: ['void'] },
    keyspace: {
      'task:b': hash(
        {
          ...{ entry: '2-0', end: 'e 0 0 <now> ', expires: '<now+60s>', deadline: '<now>' },
          ...{ call: callOf('b'), error: late('end before its deadline') },
        },
        '120 s',
      ),
    },
  },
  {
    name: 'the time to begin does not count for one that has begun once and waits for another attempt',
    seed: (s) =>
      s
        .queued('a', { more: { attempt: '1', failures: '1' }, record: { expires: s.at(-20_000) } })
        .scheduled('b', 30_000, { more: { attempt: '1', failures: '1', expires: s.at(-20_000) } }),
    args: [...ask, 'a', 'b'],
    answer: [['open'], ['open']],
  },
  {
    name: 'a parked task waits for its patience, not for its time to begin',
    seed: (s) => s.parked('a', 'add', { record: { deadline: s.at(30_000) } }).expiring('a', 30_000),
    args: [...ask, 'a'],
    answer: [['open']],
  },
  { name: 'nothing asked is nothing answered', args: [...join], answer: [] },
  {
    name: 'at maxmemory a client may join',
    full: true,
    seed: (s) => s.queued('a'),
    args: [...join, 'a'],
    answer: [['open']],
    keyspace: { 'task:a': hash({ entry: '1-0', clients: 'c1' }) },
  },
  {
    name: 'who waits for one that is lost, or is gone, or could not say how it ended, is told by promote',
    seed: (s) =>
      s
        .record('a', { entry: '9-9', tied: '1' })
        .child('b', ['a'])
        .child('c', ['gone'], { record: { tied: '1' } })
        .child('d', ['c'])
        .ended('x', 'failed', 'error')
        .child('e', ['x']),
    args: [...ask, 'a', 'd', 'e'],
    answer: [['lost'], ['open'], ['open']],
    keyspace: {
      'task:a': hash({ entry: '9-9', tied: '1' }),
      'task:x': hash({ entry: '9-0', end: 'f 1 100 200 w1', call: callOf('x'), error: 'error' }),
      releasing: hash({ a: 'l <now+30s>', gone: 'l ', x: 'f <now+60s>' }),
    },
    published: { control: ['due 0'] },
    again: {
      keyspace: { 'task:a': hash({ entry: '9-9', tied: '1' }, '30 s') },
      published: { control: ['due 0'] },
    },
  },
])

for (const [name, test] of tests) it(name, test)
