/** enqueue: accepts calls, all or none at maxmemory, each once however often it is sent. */

import { it } from 'node:test'
import type { FrameItem } from '../../../lib/redis/frame.ts'
import { type Changes, callOf, hash, lane, short, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const a = ['normal', 'a', callOf('a')]
const b = ['normal', 'b', callOf('b')]
const c = ['normal', 'c', callOf('c')]
const d = ['normal', 'd', callOf('d')]
const big = 'x'.repeat(1_000_000)

const NO_CAP = ''
const EACH = ''
const sent = (...calls: FrameItem[][]): FrameItem[] => ['0', NO_CAP, EACH, ...calls.flat()]
const resent = (...calls: FrameItem[][]): FrameItem[] => ['1', NO_CAP, EACH, ...calls.flat()]

const fresh: Row[] = [
  {
    name: 'a new call gets a record of one field and the last place of its lane; a second copy changes nothing',
    seed: (s) => s.queued('before'),
    args: sent(a),
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'e1' }),
      'stream:normal': lane('0-0', { '1-0': 'before', e1: 'a' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'of a batch that was accepted in part, only the new calls are added, wherever the others are now',
    seed: (s) => s.running('a', 'w1').queued('b').ended('c', 'succeeded', 'value'),
    args: sent(a, b, c, d),
    answer: 1,
    keyspace: {
      'task:d': hash({ entry: 'e1' }),
      'stream:normal': lane('1-0', { '1-0': 'a', '2-0': 'b', e1: 'd' }, { w1: ['1-0'] }),
    },
    again: { answer: 0 },
  },
  {
    name: 'the same id twice in one batch is one task: the first call counts',
    args: sent(a, ['high', 'a', 'another call']),
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'e1' }),
      'stream:normal': lane('0-0', { e1: 'a' }),
      settings: hash({ lanes: '1' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'a key of another type under the name of a record is left alone, and counts as known',
    seed: (s) => s.command('SET', 'P:task:a', 'junk'),
    args: sent(a, b),
    answer: 1,
    keyspace: { 'task:b': hash({ entry: 'e1' }), 'stream:normal': lane('0-0', { e1: 'b' }) },
    again: { answer: 0 },
  },
]

const again: Row[] = [
  {
    name: 'resent, and the first copy never came: each call is accepted, and sent once more it is looked for alone',
    seed: (s) => s.queued('before'),
    args: resent(a, ['high', 'e', callOf('e', 'client')]),
    answer: 2,
    keyspace: {
      'task:a': hash({ entry: 'e1' }),
      'task:e': hash({ entry: 'high/e1' }),
      'stream:normal': lane('0-0', { '1-0': 'before', e1: 'a' }),
      'stream:high': lane('0-0', { e1: ['e', callOf('e', 'client')] }),
    },
    again: { answer: 0 },
  },
  {
    name: 'resent after the first copy: known calls touch no stream, wherever they are now',
    seed: (s) => s.running('a', 'w1').queued('b').ended('c', 'succeeded', 'value'),
    args: resent(a, b, c, d),
    answer: 1,
    keyspace: {
      'task:d': hash({ entry: 'e1' }),
      'stream:normal': lane('1-0', { '1-0': 'a', '2-0': 'b', e1: 'd' }, { w1: ['1-0'] }),
    },
    again: { answer: 0 },
  },
  {
    name: 'resent, the same id twice in one batch is one task: the first call counts',
    args: resent(a, ['high', 'a', 'another call']),
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'e1' }),
      'stream:normal': lane('0-0', { e1: 'a' }),
      settings: hash({ lanes: '1' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'resent, a key of another type under the name of a record is left alone, and counts as known',
    seed: (s) => s.command('SET', 'P:task:a', 'junk'),
    args: resent(a, b),
    answer: 1,
    keyspace: { 'task:b': hash({ entry: 'e1' }), 'stream:normal': lane('0-0', { e1: 'b' }) },
    again: { answer: 0 },
  },
]

const either = (args: FrameItem[], how: string): Row[] => [
  {
    name: `${how}: a batch keeps its order, and each call goes to the lane it names`,
    args: [
      ...args,
      ...a,
      ...['first', 'c', callOf('c', 'client')],
      ...b,
      ...['low', 'd', callOf('d'), 'high', 'e', callOf('e')],
    ],
    answer: 5,
    keyspace: {
      'task:a': hash({ entry: 'e1' }),
      'task:b': hash({ entry: 'e2' }),
      'task:c': hash({ entry: 'first/e1' }),
      'task:d': hash({ entry: 'low/e1' }),
      'task:e': hash({ entry: 'high/e1' }),
      'stream:first': lane('0-0', { e1: ['c', callOf('c', 'client')] }),
      'stream:high': lane('0-0', { e1: 'e' }),
      'stream:normal': lane('0-0', { e1: 'a', e2: 'b' }),
      'stream:low': lane('0-0', { e1: 'd' }),
    },
    again: { answer: 0 },
  },
  {
    name: `${how}: calls are accepted before any worker has made the groups`,
    bare: true,
    args: [...args, ...a],
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'e1' }),
      'stream:normal': { entries: [['e1', 'a', callOf('a')]] },
    },
    again: { answer: 0 },
  },
  { name: `${how}: an empty batch is nothing`, args, answer: 0 },
  {
    name: `${how}: at maxmemory a batch is refused before anything is written`,
    full: true,
    seed: (s) => s.queued('a'),
    args: [...args, ...b, ...a],
    refused: /^ReplyError: OOM/,
  },
  {
    name: `${how}: a lane of another type refuses its call and leaves no record of it`,
    bare: true,
    seed: (s) => s.command('SET', 'P:stream:normal', 'junk'),
    args: [...args, ...a],
    refused: /WRONGTYPE/,
  },
]

const large: Row = {
  name: 'a large call and every byte of it arrive as they were sent',
  args: resent(['normal', 'a', big], ['normal', 'b', Buffer.from([0, 255, 10, 128])]),
  answer: 2,
  keyspace: {
    'task:a': hash({ entry: 'e1' }),
    'task:b': hash({ entry: 'e2' }),
    'stream:normal': lane('0-0', { e1: ['a', short(big)], e2: ['b', '\x00\xff\n\x80'] }),
  },
  again: { answer: 0 },
}

const to = (id: string, ...how: FrameItem[]): FrameItem[] => [['normal', ...how], id, callOf(id)]

/** That the call of `id` joined that task, for the time in which its batch may be sent again. */
const joined = (id: string, holder: string): Changes => ({
  [`joined:${id}`]: { string: holder, expires: '60 s' },
})

const times: Row[] = [
  {
    name: 'a call for later waits in its record until its time, and the workers hear when the nearest is due',
    seed: (s) => s.scheduled('z', 90_000),
    args: sent(to('a', 'in', 60_000), [['low', 'in', 30_000], 'b', callOf('b', 'c1')], c),
    answer: 3,
    published: { control: ['due 30000'] },
    keyspace: {
      'task:a': hash({ entry: 'scheduled/normal', call: callOf('a'), created: '<now>' }),
      'task:b': hash({ entry: 'scheduled/low', call: callOf('b', 'c1'), created: '<now>' }),
      'task:c': hash({ entry: 'e1' }),
      scheduled: zset({ b: '<now+30s>', a: '<now+60s>', z: '<now+90s>' }),
      'stream:normal': lane('0-0', { e1: 'c' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'who is due later than what the workers wait for is no news to them',
    seed: (s) => s.scheduled('z', 30_000),
    args: sent(to('a', 'in', 60_000)),
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'scheduled/normal', call: callOf('a'), created: '<now>' }),
      scheduled: zset({ z: '<now+30s>', a: '<now+60s>' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'the delay is exact',
    args: sent(to('a', 'in', 1_234)),
    answer: 1,
    published: { control: ['due 1234'] },
    keyspace: {
      'task:a': hash({ entry: 'scheduled/normal', call: callOf('a'), created: '<now>' }),
      scheduled: zset({ a: '<now>' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'a time of the clock is one too; one that is over means now, and so does no delay',
    args: (now) =>
      sent(to('a', 'at', now + 40_000), to('b', 'at', now - 40_000), to('c', 'in', 0), to('d', 'at', 0)),
    answer: 4,
    published: { control: ['due 40000'] },
    keyspace: {
      'task:a': hash({ entry: 'scheduled/normal', call: callOf('a'), created: '<now>' }),
      'task:b': hash({ entry: 'e1' }),
      'task:c': hash({ entry: 'e2' }),
      'task:d': hash({ entry: 'e3' }),
      scheduled: zset({ a: '<now+40s>' }),
      'stream:normal': lane('0-0', { e1: 'b', e2: 'c', e3: 'd' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'a ttl and a deadline are told to the worker, and watched while the task waits',
    args: sent(to('a', 'ttl', 60_000), to('b', 'deadline', 30_000)),
    answer: 2,
    published: { control: ['due 30000'] },
    keyspace: {
      'task:a': hash({ entry: 'e1', expires: '<now+60s>' }),
      'task:b': hash({ entry: 'e2', deadline: '<now+30s>' }),
      expiring: zset({ b: '<now+30s>', a: '<now+60s>' }),
      'stream:normal': lane('0-0', {
        e1: ['a', callOf('a'), 'expires', '<now+60s>'],
        e2: ['b', callOf('b'), 'deadline', '<now+30s>'],
      }),
    },
    again: { answer: 0 },
  },
  {
    name: 'of both, the one that is over first is watched',
    args: sent(to('a', 'ttl', 30_000, 'deadline', 60_000), to('b', 'ttl', 60_000, 'deadline', 20_000)),
    answer: 2,
    published: { control: ['due 20000'] },
    keyspace: {
      'task:a': hash({ entry: 'e1', expires: '<now+30s>', deadline: '<now+60s>' }),
      'task:b': hash({ entry: 'e2', expires: '<now+60s>', deadline: '<now+20s>' }),
      expiring: zset({ b: '<now+20s>', a: '<now+30s>' }),
      'stream:normal': lane('0-0', {
        e1: ['a', callOf('a'), 'expires', '<now+30s>', 'deadline', '<now+60s>'],
        e2: ['b', callOf('b'), 'expires', '<now+60s>', 'deadline', '<now+20s>'],
      }),
    },
    again: { answer: 0 },
  },
  {
    name: 'of a call for later the ttl counts from its time, the deadline from the call',
    args: sent(to('a', 'in', 30_000, 'ttl', 10_000), to('b', 'in', 30_000, 'deadline', 60_000)),
    answer: 2,
    published: { control: ['due 30000'] },
    keyspace: {
      'task:a': hash({
        ...{ entry: 'scheduled/normal', call: callOf('a'), created: '<now>' },
        expires: '<now+40s>',
      }),
      'task:b': hash({
        ...{ entry: 'scheduled/normal', call: callOf('b'), created: '<now>' },
        deadline: '<now+60s>',
      }),
      scheduled: zset({ a: '<now+30s>', b: '<now+30s>' }),
      expiring: zset({ b: '<now+60s>' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'the last of two wishes of one name counts',
    args: sent(to('a', 'deadline', 60_000, 'deadline', 20_000)),
    answer: 1,
    published: { control: ['due 20000'] },
    keyspace: {
      'task:a': hash({ entry: 'e1', deadline: '<now+20s>' }),
      expiring: zset({ a: '<now+20s>' }),
      'stream:normal': lane('0-0', { e1: ['a', callOf('a'), 'deadline', '<now+20s>'] }),
    },
    again: { answer: 0 },
  },
  {
    name: 'a call that wishes for nothing but its lane is one like all others',
    args: sent([['high'], 'a', callOf('a')]),
    answer: 1,
    keyspace: { 'task:a': hash({ entry: 'high/e1' }), 'stream:high': lane('0-0', { e1: 'a' }) },
    again: { answer: 0 },
  },
  {
    name: 'of a known id nothing is written, whatever is wished for it',
    seed: (s) => s.ended('a', 'succeeded', 'value').command('SET', 'P:task:b', 'junk'),
    args: sent(to('a', 'key', 'k', 'in', 1_000), to('b', 'key', 'k')),
    answer: 0,
  },
  {
    name: 'at maxmemory a call with wishes is refused as well',
    full: true,
    args: sent(to('a', 'in', 1_000, 'key', 'k')),
    refused: /^ReplyError: OOM/,
  },
]

const keys: Row[] = [
  {
    name: 'a call with a key that is free takes it',
    args: sent(to('a', 'key', 'k')),
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'e1', key: 'k' }),
      'key:k': { string: 'a' },
      'stream:normal': lane('0-0', { e1: 'a' }),
    },
    again: { answer: 0 },
  },
  ...(['queued', 'running', 'scheduled', 'parked'] as const).map(
    (state): Row => ({
      name: `a call whose key a ${state} task holds joins that one, each time that it is sent`,
      seed: (s) => {
        if (state === 'queued') s.queued('a', { record: { key: 'k' } })
        else if (state === 'running') s.running('a', 'w1', { record: { key: 'k' } })
        else if (state === 'scheduled') s.scheduled('a', 30_000, { record: { key: 'k' } })
        else s.parked('a', 'add', { record: { key: 'k' } })
        s.holdsKey('a')
      },
      args: sent(to('b', 'key', 'k', 'in', 60_000)),
      answer: [0, 1, `a ${state}`],
      keyspace: joined('b', 'a'),
    }),
  ),
  {
    name: 'of calls of one batch the second joins the first',
    args: sent(to('a', 'key', 'k'), c, to('b', 'key', 'k')),
    answer: [2, 3, 'a queued'],
    keyspace: {
      ...joined('b', 'a'),
      'task:a': hash({ entry: 'e1', key: 'k' }),
      'task:c': hash({ entry: 'e2' }),
      'key:k': { string: 'a' },
      'stream:normal': lane('0-0', { e1: 'a', e2: 'c' }),
    },
    again: { answer: [0, 3, 'a queued'] },
  },
  ...(['succeeded', 'failed', 'cancelled', 'expired'] as const).map(
    (state): Row => ({
      name: `the key of a task that has ${state === 'cancelled' ? 'been cancelled' : state} is free, and it is said how that one ended`,
      seed: (s) => s.ended('a', state, 'value', { key: 'k' }).holdsKey('a'),
      args: sent(to('b', 'key', 'k')),
      answer: [1, 1, `- ${state}`],
      keyspace: {
        'task:b': hash({ entry: 'e1', key: 'k' }),
        'key:k': { string: 'b' },
        'stream:normal': lane('0-0', { e1: 'b' }),
      },
      again: { answer: 0 },
    }),
  ),
  {
    name: 'a key whose holder is gone, or was deleted by hand, is free',
    seed: (s) =>
      s
        .holdsKey('nobody')
        .queued('x')
        .command('XDEL', 'P:stream:normal', '1-0')
        .command('SET', 'P:key:j', 'x'),
    args: sent(to('a', 'key', 'k'), to('b', 'key', 'j')),
    answer: 2,
    keyspace: {
      'task:a': hash({ entry: 'e1', key: 'k' }),
      'task:b': hash({ entry: 'e2', key: 'j' }),
      'key:k': { string: 'a' },
      'key:j': { string: 'b' },
      'stream:normal': lane('0-0', { e1: 'a', e2: 'b' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'a key that names a record of another type is free, whatever is wished of it',
    seed: (s) =>
      s
        .command('SET', 'P:task:x', 'junk')
        .holdsKey('x')
        .command('SET', 'P:key:j', 'x', 'PX', 60_000)
        .command('SET', 'P:key:i', 'x'),
    args: sent(to('a', 'key', 'k'), to('b', 'key', 'j', 'up', 1), to('c', 'key', 'i', 'again', 1)),
    answer: 3,
    keyspace: {
      'task:a': hash({ entry: 'e1', key: 'k' }),
      'task:b': hash({ entry: 'e2', key: 'j' }),
      'task:c': hash({ entry: 'e3', key: 'i' }),
      'key:k': { string: 'a' },
      'key:j': { string: 'b' },
      'key:i': { string: 'c' },
      'stream:normal': lane('0-0', { e1: 'a', e2: 'b', e3: 'c' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'a key may be held for a time',
    args: sent(to('a', 'key', 'k', 'hold', 60_000)),
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'e1', key: 'k' }),
      'key:k': { string: 'a', expires: '60 s' },
      'stream:normal': lane('0-0', { e1: 'a' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'while it is held for a time, a call joins the task that has succeeded meanwhile',
    seed: (s) => s.ended('a', 'succeeded', 'value', { key: 'k' }).holdsKey('a', 60_000),
    args: sent(to('b', 'key', 'k', 'hold', 90_000)),
    answer: [0, 1, 'a succeeded'],
    keyspace: joined('b', 'a'),
  },
  {
    name: 'the key of a failed task, which is kept as long as the failure, is free for a call',
    seed: (s) => s.ended('a', 'failed', 'error', { key: 'k' }).holdsKey('a', 60_000),
    args: sent(to('b', 'key', 'k')),
    answer: [1, 1, '- failed'],
    keyspace: {
      'task:b': hash({ entry: 'e1', key: 'k' }),
      'key:k': { string: 'b' },
      'stream:normal': lane('0-0', { e1: 'b' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'a call for later holds its key from now on',
    args: sent(to('a', 'key', 'k', 'in', 60_000), to('b', 'key', 'k')),
    answer: [1, 2, 'a scheduled'],
    published: { control: ['due 60000'] },
    keyspace: {
      ...joined('b', 'a'),
      'task:a': hash({ entry: 'scheduled/normal', call: callOf('a'), created: '<now>', key: 'k' }),
      'key:k': { string: 'a' },
      scheduled: zset({ a: '<now+60s>' }),
    },
    again: { answer: [0, 2, 'a scheduled'] },
  },
]

const once: Row[] = [
  {
    name: 'again: where the key is free, it is a call like others',
    args: sent(to('a', 'key', 'k', 'again', 1)),
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'e1', key: 'k' }),
      'key:k': { string: 'a' },
      'stream:normal': lane('0-0', { e1: 'a' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'again: where it is held, a task is made that waits for the end of the holder',
    seed: (s) => s.running('a', 'w1', { record: { key: 'k' } }).holdsKey('a'),
    args: sent([['low', 'key', 'k', 'again', 1], 'b', callOf('b')]),
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: '1-0', key: 'k', next: 'b' }),
      'task:b': hash({ entry: 'waiting/low', call: callOf('b'), created: '<now>', key: 'k' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'again: where one waits already, it gets the newer call, each time that it is sent',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { key: 'k' } })
        .holdsKey('a')
        .waiting('b', 'a'),
    args: sent(to('c', 'key', 'k', 'again', 1)),
    answer: [0, 1, 'b waiting'],
    keyspace: {
      ...joined('c', 'b'),
      'task:b': hash({ entry: 'waiting/normal', call: callOf('c'), created: '50', key: 'k' }),
    },
  },
  {
    name: 'again: of three calls of one batch the first runs, then the last',
    args: sent(...['a', 'b', 'c'].map((id) => to(id, 'key', 'k', 'again', 1))),
    answer: [2, 3, 'b waiting'],
    keyspace: {
      ...joined('c', 'b'),
      'task:a': hash({ entry: 'e1', key: 'k', next: 'b' }),
      'task:b': hash({ entry: 'waiting/normal', call: callOf('c'), created: '<now>', key: 'k' }),
      'key:k': { string: 'a' },
      'stream:normal': lane('0-0', { e1: 'a' }),
    },
    again: { answer: [0, 3, 'b waiting'] },
  },
  {
    name: 'again: one that has taken the place of the holder by now is the holder',
    seed: (s) =>
      s
        .ended('a', 'succeeded', 'value', { key: 'k', next: 'b' })
        .queued('b', { record: { key: 'k' } })
        .holdsKey('b'),
    args: sent(to('c', 'key', 'k', 'again', 1)),
    answer: 1,
    keyspace: {
      'task:b': hash({ entry: '1-0', key: 'k', next: 'c' }),
      'task:c': hash({ entry: 'waiting/normal', call: callOf('c'), created: '<now>', key: 'k' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'again: one that was cancelled while it waited is not the one that runs next',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { key: 'k', next: 'b' } })
        .holdsKey('a')
        .ended('b', 'cancelled', 'error', { entry: 'waiting/normal', key: 'k' }),
    args: sent(to('c', 'key', 'k', 'again', 1)),
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: '1-0', key: 'k', next: 'c' }),
      'task:c': hash({ entry: 'waiting/normal', call: callOf('c'), created: '<now>', key: 'k' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'again: what else is wished of the call stays wished of the one that waits',
    seed: (s) => s.running('a', 'w1', { record: { key: 'k' } }).holdsKey('a'),
    args: sent(to('b', 'key', 'k', 'again', 1, 'deadline', 60_000)),
    answer: 1,
    published: { control: ['due 60000'] },
    keyspace: {
      'task:a': hash({ entry: '1-0', key: 'k', next: 'b' }),
      'task:b': hash({
        ...{ entry: 'waiting/normal', call: callOf('b'), created: '<now>', key: 'k' },
        deadline: '<now+60s>',
      }),
      expiring: zset({ b: '<now+60s>' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'up: the queued task that holds the key goes ahead of all lanes, once',
    seed: (s) => s.queued('a', { record: { key: 'k' } }).holdsKey('a'),
    args: sent(to('b', 'key', 'k', 'up', 1)),
    answer: [0, 1, 'a queued'],
    published: { control: ['void'] },
    keyspace: {
      ...joined('b', 'a'),
      'task:a': hash({ entry: 'first/e1', created: '1', key: 'k' }),
      'stream:first': lane('0-0', { e1: 'a' }),
    },
  },
  {
    name: 'up: one that runs stays where it is, and so does one that has ended and is held for a time',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { key: 'k' } })
        .holdsKey('a')
        .ended('b', 'succeeded', 'value', { key: 'j' })
        .command('SET', 'P:key:j', 'b', 'PX', 60_000),
    args: sent(to('c', 'key', 'k', 'up', 1), to('d', 'key', 'j', 'up', 1)),
    answer: [0, 1, 'a running', 2, 'b succeeded'],
    keyspace: { ...joined('c', 'a'), ...joined('d', 'b') },
  },
]

/** A batch that is sent again, whose first copy came: `joined` says which task each of its calls has joined. */
const rejoined: Row[] = [
  ...(['succeeded', 'failed', 'cancelled', 'expired'] as const).map(
    (state): Row => ({
      name: `resent, a call stays with the task that it joined though that one has ${state === 'cancelled' ? 'been cancelled' : state} meanwhile`,
      seed: (s) => s.ended('a', state, 'value', { key: 'k' }).command('SET', 'P:joined:b', 'a', 'PX', 60_000),
      args: resent(to('b', 'key', 'k'), c),
      answer: [1, 1, `a ${state}`],
      keyspace: { 'task:c': hash({ entry: 'e1' }), 'stream:normal': lane('0-0', { e1: 'c' }) },
      again: { answer: [0, 1, `a ${state}`] },
    }),
  ),
  {
    name: 'resent, it stays with that task though another has the key by now, and moves neither',
    seed: (s) =>
      s
        .ended('a', 'succeeded', 'value', { key: 'k' })
        .queued('x', { record: { key: 'k' } })
        .holdsKey('x')
        .command('SET', 'P:joined:b', 'a', 'PX', 60_000),
    args: resent(to('b', 'key', 'k', 'up', 1)),
    answer: [0, 1, 'a succeeded'],
  },
  {
    name: 'resent, a call that went to a follower stays with it though that one has been lined up meanwhile',
    seed: (s) =>
      s
        .ended('a', 'succeeded', 'value', { key: 'k', next: 'b' })
        .queued('b', { call: callOf('c'), record: { key: 'k' } })
        .holdsKey('b')
        .command('SET', 'P:joined:c', 'b', 'PX', 60_000),
    args: resent(to('c', 'key', 'k', 'again', 1)),
    answer: [0, 1, 'b queued'],
  },
  {
    name: 'resent, a call that went to a follower does not take the place of a newer one',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { key: 'k' } })
        .holdsKey('a')
        .waiting('b', 'a', { call: callOf('d') })
        .command('SET', 'P:joined:c', 'b', 'PX', 60_000),
    args: resent(to('c', 'key', 'k', 'again', 1)),
    answer: [0, 1, 'b waiting'],
  },
  {
    name: 'resent, the record of the task that it joined is gone: it is said that there is none',
    seed: (s) => s.command('SET', 'P:joined:b', 'a', 'PX', 60_000),
    args: resent(to('b', 'key', 'k')),
    answer: [0, 1, 'a none'],
  },
  {
    name: 'resent, and the first copy never came: it joins the task that holds the key',
    seed: (s) => s.queued('a', { record: { key: 'k' } }).holdsKey('a'),
    args: resent(to('b', 'key', 'k')),
    answer: [0, 1, 'a queued'],
    keyspace: joined('b', 'a'),
  },
  {
    name: 'resent, a call that was accepted is known by its record',
    seed: (s) => s.ended('b', 'succeeded', 'value', { key: 'k' }),
    args: resent(to('b', 'key', 'k')),
    answer: 0,
  },
]

const front: Row[] = [
  {
    name: 'newest: such a call waits ahead of all, the last one first, and the workers hear of each',
    args: sent([['first', 'newest', 1], 'a', callOf('a')], [['first', 'newest', 1], 'b', callOf('b')]),
    answer: 2,
    published: { control: ['front', 'front'] },
    keyspace: {
      'task:a': hash({ entry: 'front/first', call: callOf('a'), created: '<now>' }),
      'task:b': hash({ entry: 'front/first', call: callOf('b'), created: '<now>' }),
      front: { list: ['b', 'a'] },
      settings: hash({ front: '1' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'newest: its times are watched too, and it is one of the queued for who has its key',
    args: sent([['first', 'newest', 1, 'key', 'k', 'ttl', 60_000], 'a', callOf('a')], to('b', 'key', 'k')),
    answer: [1, 2, 'a queued'],
    published: { control: ['front', 'due 60000'] },
    keyspace: {
      ...joined('b', 'a'),
      'task:a': hash({
        ...{ entry: 'front/first', call: callOf('a'), created: '<now>', key: 'k' },
        expires: '<now+60s>',
      }),
      'key:k': { string: 'a' },
      expiring: zset({ a: '<now+60s>' }),
      front: { list: ['a'] },
      settings: hash({ front: '1' }),
    },
    again: { answer: [0, 2, 'a queued'] },
  },
  {
    name: 'newest: for later it becomes one of the first when its time comes',
    args: sent([['first', 'newest', 1, 'in', 60_000], 'a', callOf('a')]),
    answer: 1,
    published: { control: ['due 60000'] },
    keyspace: {
      'task:a': hash({ entry: 'scheduled/first', call: callOf('a'), created: '<now>' }),
      scheduled: zset({ a: '<now+60s>' }),
    },
    again: { answer: 0 },
  },
]

const capped = (cap: number, ...calls: FrameItem[][]): FrameItem[] => ['0', cap, EACH, ...calls.flat()]

const full: Row[] = [
  {
    name: 'calls for which there is no room are told apart by their number; sent again, it is the same',
    seed: (s) => s.queued('x').queued('y', { lane: 'low' }).scheduled('z', 60_000),
    args: capped(5, a, b, c, d),
    answer: [2, 3, 'full', 4, 'full'],
    keyspace: {
      'task:a': hash({ entry: 'e1' }),
      'task:b': hash({ entry: 'e2' }),
      'stream:normal': lane('0-0', { '1-0': 'x', e1: 'a', e2: 'b' }),
    },
    again: { answer: [0, 3, 'full', 4, 'full'] },
  },
  {
    name: 'where there is room for all, the answer is their number',
    seed: (s) => s.queued('x'),
    args: capped(3, a, b),
    answer: 2,
    keyspace: {
      'task:a': hash({ entry: 'e1' }),
      'task:b': hash({ entry: 'e2' }),
      'stream:normal': lane('0-0', { '1-0': 'x', e1: 'a', e2: 'b' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'known ids are known where there is no room',
    seed: (s) => s.running('a', 'w1').ended('b', 'succeeded', 'value').queued('x'),
    args: capped(1, a, b, c),
    answer: [0, 3, 'full'],
  },
  {
    name: 'tasks that run count as well, and so do those that were put ahead of all; parked ones do not',
    seed: (s) =>
      s
        .running('x', 'w1')
        .parked('y', 'add')
        .record('z', { entry: 'front/first', call: callOf('z'), created: '50' })
        .command('LPUSH', 'P:front', 'z'),
    args: capped(3, a, b),
    answer: [1, 2, 'full'],
    keyspace: {
      'task:a': hash({ entry: 'e1' }),
      'stream:normal': lane('1-0', { '1-0': 'x', e1: 'a' }, { w1: ['1-0'] }),
    },
    again: { answer: [0, 2, 'full'] },
  },
  {
    name: 'void entries take no room, in whichever lane they lie',
    seed: (s) =>
      s
        .entry('normal', 'x', callOf('x'))
        .ended('x', 'cancelled', 'error', { entry: '1-0' })
        .voided('normal', '1-0')
        .entry('low', 'y', callOf('y'))
        .ended('y', 'cancelled', 'error', { entry: 'low/2-0' })
        .voided('low', '2-0')
        .queued('z'),
    args: capped(3, a, b, c),
    answer: [2, 3, 'full'],
    keyspace: {
      'task:a': hash({ entry: 'e1' }),
      'task:b': hash({ entry: 'e2' }),
      'stream:normal': lane('0-0', { '1-0': 'x', '3-0': 'z', e1: 'a', e2: 'b' }),
    },
    again: { answer: [0, 3, 'full'] },
  },
  {
    name: 'calls with wishes count as well: those that join another need no room, those for later do',
    seed: (s) => s.queued('x', { record: { key: 'k' } }).holdsKey('x'),
    args: capped(2, to('a', 'key', 'k'), to('b', 'in', 60_000), to('c', 'in', 60_000)),
    answer: [1, 1, 'x queued', 3, 'full'],
    published: { control: ['due 60000'] },
    keyspace: {
      ...joined('a', 'x'),
      'task:b': hash({ entry: 'scheduled/normal', call: callOf('b'), created: '<now>' }),
      scheduled: zset({ b: '<now+60s>' }),
    },
    again: { answer: [0, 1, 'x queued', 3, 'full'] },
  },
]

const rows = [...fresh, ...again, large, ...either(sent(), 'sent once'), ...either(resent(), 'resent')]
rows.push(...times, ...keys, ...once, ...rejoined, ...front, ...full)
for (const [name, test] of table('enqueue', rows)) it(name, test)
