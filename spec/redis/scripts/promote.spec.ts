/** promote: what was scheduled is lined up when it is due, and what comes too late ends; a bounded number at once. */

import { it } from 'node:test'
import type { FrameItem } from '../../../lib/redis/frame.ts'
import { callOf, hash, lane, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

/** At most 10 of each kind; failures are kept for 120 s, three at most. */
const promote = (most = 10): FrameItem[] => [most, 120_000, 3]

/** Ms to wait in steps of 10 s, -1: nothing is scheduled; then the time, lined up, ended. */
function shape(answer: unknown): unknown {
  const [wait, time, ...rest] = answer as [number, string, ...number[]]
  const off = Math.round((Number(time) - Date.now()) / 10_000) * 10
  return [wait > 0 ? `${Math.round(wait / 10_000) * 10} s` : wait, off === 0 ? '<now>' : `${off} s`, ...rest]
}

const late = (how: string) => `TaskExpiredError ERR_MILLRACE_TASK_EXPIRED: the task did not ${how}`
const unknown =
  'UnknownTaskError ERR_MILLRACE_UNKNOWN_TASK: no worker came that knows a task of this name: add'

const IS_LOST =
  'DependencyError ERR_MILLRACE_DEPENDENCY: the task lost that it waited for is lost, because of there is no record of task lost'

const due: Row[] = [
  {
    name: 'a task that is due becomes the last of its lane, with its call; others wait for their time',
    seed: (s) => s.queued('b').scheduled('a', -1).scheduled('c', 30_000, { lane: 'high' }),
    args: promote(),
    answer: ['30 s', '<now>', 1, 0],
    keyspace: {
      'task:a': hash({ entry: 'e1', created: '50' }),
      scheduled: zset({ c: '<now+30s>' }),
      'stream:normal': lane('0-0', { '1-0': 'b', e1: 'a' }),
    },
    again: { answer: ['30 s', '<now>', 0, 0] },
  },
  {
    name: 'those that are due go in the order of their times, each into its lane, with what else is known of them',
    seed: (s) =>
      s
        .scheduled('a', -1_000, { more: { attempt: '2', failures: '2' } })
        .scheduled('b', -3_000)
        .scheduled('c', -2_000, {
          lane: 'low',
          client: 'c1',
          more: { expires: s.at(20_000), deadline: s.at(50_000) },
        }),
    args: promote(),
    answer: ['20 s', '<now>', 3, 0],
    keyspace: {
      'task:a': hash({ entry: 'e2', created: '50', attempt: '2', failures: '2' }),
      'task:b': hash({ entry: 'e1', created: '50' }),
      'task:c': hash({
        ...{ entry: 'low/e1', created: '50' },
        ...{ expires: '<now+20s>', deadline: '<now+50s>' },
      }),
      scheduled: null,
      expiring: zset({ c: '<now+20s>' }),
      'stream:normal': lane('0-0', { e1: 'b', e2: ['a', callOf('a'), 'attempt', '2', 'failures', '2'] }),
      'stream:low': lane('0-0', {
        e1: ['c', callOf('c', 'c1'), 'expires', '<now+20s>', 'deadline', '<now+50s>'],
      }),
    },
    again: { answer: ['20 s', '<now>', 0, 0] },
  },
  {
    name: 'of a task that has begun once, only its deadline counts',
    seed: (s) =>
      s.scheduled('a', -1, { more: { attempt: '1', expires: s.at(-20_000), deadline: s.at(40_000) } }),
    args: promote(),
    answer: ['40 s', '<now>', 1, 0],
    keyspace: {
      'task:a': hash({
        ...{ entry: 'e1', created: '50', attempt: '1' },
        ...{ expires: '<now-20s>', deadline: '<now+40s>' },
      }),
      scheduled: null,
      expiring: zset({ a: '<now+40s>' }),
      'stream:normal': lane('0-0', { e1: ['a', callOf('a'), 'attempt', '1', 'deadline', '<now+40s>'] }),
    },
    again: { answer: ['40 s', '<now>', 0, 0] },
  },
  {
    name: 'of both times, the one that is over first counts',
    seed: (s) => s.scheduled('a', -1, { more: { expires: s.at(50_000), deadline: s.at(20_000) } }),
    args: promote(),
    answer: ['20 s', '<now>', 1, 0],
    keyspace: {
      'task:a': hash({
        ...{ entry: 'e1', created: '50' },
        ...{ expires: '<now+50s>', deadline: '<now+20s>' },
      }),
      scheduled: null,
      expiring: zset({ a: '<now+20s>' }),
      'stream:normal': lane('0-0', {
        e1: ['a', callOf('a'), 'expires', '<now+50s>', 'deadline', '<now+20s>'],
      }),
    },
    again: { answer: ['20 s', '<now>', 0, 0] },
  },
  {
    name: 'a bounded number is lined up at once; the answer says that there is more',
    seed: (s) => s.scheduled('a', -3_000).scheduled('b', -2_000),
    args: promote(1),
    answer: [0, '<now>', 1, 0],
    keyspace: {
      'task:a': hash({ entry: 'e1', created: '50' }),
      scheduled: zset({ b: '<now>' }),
      'stream:normal': lane('0-0', { e1: 'a' }),
    },
    again: {
      answer: [-1, '<now>', 1, 0],
      keyspace: {
        'task:b': hash({ entry: 'e2', created: '50' }),
        scheduled: null,
        'stream:normal': lane('0-0', { e1: 'a', e2: 'b' }),
      },
    },
  },
  {
    name: 'what is scheduled no more is passed over: ended, in line, without a record, a key of another type',
    seed: (s) =>
      s
        .ended('a', 'cancelled', 'error', { entry: 'scheduled/normal' })
        .queued('b')
        .command('SET', 'P:task:d', 'junk')
        .record('e', { note: 'junk' })
        .command('ZADD', 'P:scheduled', 1, 'a', 2, 'b', 3, 'c', 4, 'd', 5, 'e'),
    args: promote(),
    answer: [-1, '<now>', 0, 0],
    keyspace: { scheduled: null },
  },
  {
    name: 'a record without its call is passed over, and the others are lined up',
    seed: (s) =>
      s
        .record('a', { entry: 'scheduled/normal', created: '50' })
        .command('ZADD', 'P:scheduled', 1, 'a')
        .scheduled('b', -1),
    args: promote(),
    answer: [-1, '<now>', 1, 0],
    keyspace: {
      'task:b': hash({ entry: 'e1', created: '50' }),
      scheduled: null,
      'stream:normal': lane('0-0', { e1: 'b' }),
    },
    again: { answer: [-1, '<now>', 0, 0] },
  },
  {
    name: 'what is noted as void of a lane without entries is forgotten, and nothing else',
    seed: (s) =>
      s
        .queued('a', { lane: 'low' })
        .voided('low', '1-0')
        .voided('normal', '7-0', '8-0')
        .voided('first', '9-0'),
    args: promote(),
    answer: [-1, '<now>', 0, 0],
    keyspace: { 'void:normal': null, 'void:first': null, 'void:low': { set: ['1-0'] } },
    again: { answer: [-1, '<now>', 0, 0] },
  },
  {
    name: 'and so it is of a lane whose stream was deleted',
    bare: true,
    seed: (s) => s.voided('normal', '7-0'),
    args: promote(),
    answer: [-1, '<now>', 0, 0],
    keyspace: { 'void:normal': null },
  },
  {
    name: 'turns are told of lanes and of void entries that they were not told of',
    seed: (s) =>
      s.queued('a', { lane: 'low' }).voided('low', '1-0').command('HDEL', 'P:settings', 'lanes', 'void'),
    args: promote(),
    answer: [-1, '<now>', 0, 0],
    keyspace: { settings: hash({ lanes: '1', void: '1' }) },
  },
  {
    name: 'and that there are none any more',
    seed: (s) => s.queued('a').mark('lanes').mark('void'),
    args: promote(),
    answer: [-1, '<now>', 0, 0],
    keyspace: { settings: null },
  },
  {
    name: 'with nothing scheduled there is nothing to do, nor to wait for',
    args: promote(),
    answer: [-1, '<now>', 0, 0],
  },
  {
    name: 'before any worker has made the groups tasks are lined up',
    bare: true,
    seed: (s) => s.scheduled('a', -1),
    args: promote(),
    answer: [-1, '<now>', 1, 0],
    keyspace: {
      'task:a': hash({ entry: 'e1', created: '50' }),
      scheduled: null,
      'stream:normal': { entries: [['e1', 'a', callOf('a')]] },
    },
    again: { answer: [-1, '<now>', 0, 0] },
  },
  {
    name: 'at maxmemory tasks are lined up, and end',
    full: true,
    seed: (s) =>
      s
        .scheduled('a', -1)
        .queued('b', { record: { expires: s.at(-1) } })
        .expiring('b', -1),
    args: promote(),
    answer: [-1, '<now>', 1, 1],
    published: { control: ['void'] },
    keyspace: {
      'task:a': hash({ entry: 'e1', created: '50' }),
      'task:b': hash(
        {
          ...{ entry: '1-0', end: 'e 0 0 <now> ', expires: '<now>' },
          ...{ call: callOf('b'), error: late('start in time') },
        },
        '120 s',
      ),
      scheduled: null,
      expiring: null,
      'stream:normal': lane('0-0', { '1-0': 'b', e1: 'a' }),
    },
    again: { answer: [-1, '<now>', 0, 0] },
  },
]

const over: Row[] = [
  {
    name: 'a task that was not begun in time expires, everybody is told, and its entry stays until its turn comes',
    seed: (s) =>
      s
        .queued('a', { client: 'c1', record: { expires: s.at(-1), clients: 'c2' } })
        .expiring('a', -1)
        .queued('b'),
    args: promote(),
    answer: [-1, '<now>', 0, 1],
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
      expiring: null,
      'void:normal': { set: ['1-0'] },
    },
    again: { answer: [-1, '<now>', 0, 0] },
  },
  {
    name: 'a task whose deadline passes while it waits for its time, or for another attempt, expires',
    seed: (s) =>
      s
        .scheduled('a', 30_000, { record: { deadline: s.at(-1) } })
        .expiring('a', -1)
        .scheduled('b', 30_000, {
          more: { attempt: '2', failures: '2' },
          record: { deadline: s.at(-1), key: 'k' },
        })
        .expiring('b', -1)
        .holdsKey('b'),
    args: promote(),
    answer: [-1, '<now>', 0, 2],
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: 'scheduled/normal', end: 'e 0 0 <now> ', created: '50', deadline: '<now>' },
          ...{ call: callOf('a'), error: late('end before its deadline') },
        },
        '120 s',
      ),
      'task:b': hash(
        {
          ...{ entry: 'scheduled/normal', end: 'e 2 0 <now> ', created: '50', deadline: '<now>' },
          ...{ attempt: '2', failures: '2', key: 'k' },
          ...{ call: callOf('b'), error: late('end before its deadline') },
        },
        '120 s',
      ),
      scheduled: null,
      expiring: null,
      'key:k': null,
    },
    again: { answer: [-1, '<now>', 0, 0] },
  },
  {
    name: 'one that runs is its worker’s to end',
    seed: (s) => s.running('a', 'w1', { more: { deadline: s.at(-1) } }).expiring('a', -1),
    args: promote(),
    answer: [-1, '<now>', 0, 0],
    keyspace: { expiring: null },
  },
  {
    name: 'a task that nobody knew for too long fails, and joins the dead letters',
    seed: (s) => s.parked('a', 'add', { client: 'c1' }).expiring('a', -1).parked('b', 'add'),
    args: promote(),
    answer: [-1, '<now>', 0, 1],
    published: { c1: [['a', 'failed', unknown]] },
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: 'parked/normal', end: 'f 0 0 <now> ', created: '50', unknown: 'add' },
          ...{ call: callOf('a', 'c1'), error: unknown },
        },
        '120 s',
      ),
      parked: zset({ 'add/b': '0' }),
      expiring: null,
      failed: zset({ a: '<now>' }),
    },
    again: { answer: [-1, '<now>', 0, 0] },
  },
  {
    name: 'a parked task whose deadline passes first expires',
    seed: (s) => s.parked('a', 'add', { record: { deadline: s.at(-1) } }).expiring('a', -1),
    args: promote(),
    answer: [-1, '<now>', 0, 1],
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: 'parked/normal', end: 'e 0 0 <now> ', created: '50', unknown: 'add' },
          ...{ deadline: '<now>', call: callOf('a'), error: late('end before its deadline') },
        },
        '120 s',
      ),
      parked: null,
      expiring: null,
    },
    again: { answer: [-1, '<now>', 0, 0] },
  },
  {
    name: 'when a task that holds a key expires, the one that waits for its end takes its place',
    seed: (s) =>
      s
        .queued('a', { record: { key: 'k', expires: s.at(-1) } })
        .holdsKey('a')
        .expiring('a', -1)
        .waiting('b', 'a', { lane: 'low' }),
    args: promote(),
    answer: [-1, '<now>', 0, 1],
    published: { control: ['void'] },
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: '1-0', end: 'e 0 0 <now> ', expires: '<now>', key: 'k', next: 'b' },
          ...{ call: callOf('a'), error: late('start in time') },
        },
        '120 s',
      ),
      'task:b': hash({ entry: 'low/e1', created: '50', key: 'k' }),
      'key:k': { string: 'b' },
      expiring: null,
      'stream:low': lane('0-0', { e1: 'b' }),
    },
    again: { answer: [-1, '<now>', 0, 0] },
  },
  {
    name: 'a bounded number ends at once',
    seed: (s) =>
      s
        .scheduled('a', 30_000, { record: { deadline: s.at(-2) } })
        .expiring('a', -2)
        .scheduled('b', 30_000, { record: { deadline: s.at(-1) } })
        .expiring('b', -1),
    args: promote(1),
    answer: [0, '<now>', 0, 1],
    keyspace: {
      'task:a': expired('a'),
      scheduled: zset({ b: '<now+30s>' }),
      expiring: zset({ b: '<now>' }),
    },
    again: {
      answer: [-1, '<now>', 0, 1],
      keyspace: { 'task:b': expired('b'), scheduled: null, expiring: null },
    },
  },
  {
    name: 'what cannot expire any more is passed over: ended, unknown, deleted by hand, a key of another type',
    seed: (s) =>
      s
        .ended('a', 'succeeded', 'value')
        .queued('b', { record: { expires: '1' } })
        .command('XDEL', 'P:stream:normal', '1-0')
        .command('SET', 'P:task:d', 'junk')
        .record('e', { note: 'junk' })
        .command('ZADD', 'P:expiring', 1, 'a', 2, 'b', 3, 'c', 4, 'd', 5, 'e'),
    args: promote(),
    answer: [-1, '<now>', 0, 0],
    keyspace: { expiring: null },
  },
]

const released: Row[] = [
  {
    name: 'who waits for one that has ended and could not tell it is told; the record goes when it was to go',
    seed: (s) =>
      s
        .ended('a', 'succeeded', 'value of a', { tied: '1' })
        .command('PERSIST', 'P:task:a')
        .child('b', ['a'], { takes: true })
        .command('HSET', 'P:releasing', 'a', `s ${s.at(60_000)}`),
    args: promote(),
    answer: [-1, '<now>', 0, 0],
    keyspace: {
      'task:a': hash(
        { entry: '9-0', end: 's 1 100 200 w1', call: callOf('a'), result: 'value of a', tied: '1' },
        '60 s',
      ),
      'task:b': hash({
        ...{ entry: 'e1', created: '50', after: 'a', policy: 'f', inputs: '1', tied: '1' },
        'in:0': 'svalue of a',
      }),
      'deps:a': null,
      releasing: null,
      'stream:normal': lane('0-0', { e1: ['b', callOf('b'), 'inputs', '1'] }),
    },
  },
  {
    name: 'who waits for one that is lost fails, and is a dead letter; who waits for that one too',
    seed: (s) =>
      s
        .child('b', ['lost'], { record: { tied: '1', clients: 'c1' } })
        .child('c', ['b'], { policy: 'c' })
        .command('HSET', 'P:releasing', 'lost', 'l '),
    args: promote(),
    answer: [-1, '<now>', 0, 0],
    keyspace: {
      'task:b': hash(
        {
          ...{ entry: 'waiting/normal', end: 'f 0 0 <now> ', call: callOf('b'), created: '50' },
          ...{ after: 'lost', policy: 'f', needs: '1', tied: '1' },
          error: IS_LOST,
        },
        '120 s',
      ),
      'task:c': hash(
        {
          ...{ entry: 'waiting/normal', end: 'c 0 0 <now> ', call: callOf('c'), created: '50' },
          ...{ after: 'b', policy: 'c', needs: '1' },
          error: 'TaskCancelledError ERR_MILLRACE_TASK_CANCELLED: the task b that it waited for failed',
        },
        '120 s',
      ),
      'deps:lost': null,
      'deps:b': null,
      releasing: null,
      failed: zset({ b: '<now>' }),
    },
    published: { c1: [['b', 'failed', IS_LOST]] },
  },
  {
    name: 'one that waits for others ends when its time is over',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { tied: '1' } })
        .child('b', ['a'], { record: { deadline: s.at(-1), tied: '1' } })
        .expiring('b', -1)
        .child('c', ['b'], { policy: 'c' }),
    args: promote(),
    answer: [-1, '<now>', 0, 1],
    keyspace: {
      'task:b': hash(
        {
          ...{
            entry: 'waiting/normal',
            end: 'e 0 0 <now> ',
            call: callOf('b'),
            created: '50',
            deadline: '<now>',
          },
          ...{ after: 'a', policy: 'f', needs: '1', tied: '1', error: late('end before its deadline') },
        },
        '120 s',
      ),
      'task:c': hash(
        {
          ...{ entry: 'waiting/normal', end: 'c 0 0 <now> ', call: callOf('c'), created: '50' },
          ...{ after: 'b', policy: 'c', needs: '1' },
          error: 'TaskCancelledError ERR_MILLRACE_TASK_CANCELLED: the task b that it waited for expired',
        },
        '120 s',
      ),
      'deps:b': null,
      expiring: null,
    },
    again: { answer: [-1, '<now>', 0, 0] },
  },
]

/** The record of one that was scheduled, and whose deadline has passed. */
function expired(id: string) {
  return hash(
    {
      ...{ entry: 'scheduled/normal', end: 'e 0 0 <now> ', created: '50', deadline: '<now>' },
      ...{ call: callOf(id), error: late('end before its deadline') },
    },
    '120 s',
  )
}

for (const [name, test] of table('promote', [...due, ...over, ...released], shape)) it(name, test)
