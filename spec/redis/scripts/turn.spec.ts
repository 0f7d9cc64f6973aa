/** turn: each outcome is written once, by the holder of the task alone; new work comes lane by lane. */

import { it } from 'node:test'
import type { FrameItem } from '../../../lib/redis/frame.ts'
import { callOf, hash, lane, short, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const MAX_CALL = 1_000
const MAX_FAILED = 3

const turn = (worker: string, want: number, ...outcomes: FrameItem[]): FrameItem[] => [
  ...[worker, want, MAX_CALL, MAX_FAILED, 120_000],
  ...outcomes,
]

interface Brought {
  place?: [lane: string, entry: string]
  state?: string
  value?: string
  attempt?: number
  call?: string
  client?: string
}
/** Of a task that was seeded first, unless `place` says otherwise. */
const outcome = (id: string, o: Brought = {}): FrameItem => [
  ...[id, ...(o.place ?? ['normal', '1-0'])],
  ...[o.state ?? 'succeeded', o.value ?? `value of ${id}`, 60_000, o.attempt ?? 1],
  ...[o.call ?? 'kept', o.client ?? ''],
]

/** The record of a task that was seeded as running by w1, and has ended. */
const ended = (fields: Record<string, string> = {}) =>
  hash(
    {
      ...{ entry: 'normal/1-0', state: 'succeeded', worker: 'w1', attempt: '1', started: '100' },
      ...{ finished: '<now>', call: 'kept' },
      ...fields,
    },
    '60 s',
  )
const goingSoon = hash(
  {
    ...{ entry: 'normal/9-0', state: 'failed', worker: 'w1', attempt: '1', started: '100' },
    ...{ finished: '200', call: callOf('x'), error: 'error of x' },
  },
  '30 s',
)
const running = (fields: Record<string, string>) =>
  hash({ state: 'running', worker: 'w1', attempt: '1', started: '<now>', ...fields })

const nothing = lane('1-0', {}, { w1: [] })
const kib64 = 'x'.repeat(65_536)
const six = ['a', 'b', 'c', 'd', 'e', 'f']

const outcomes: Row[] = [
  {
    name: 'a result is written, its entry acknowledged and deleted; sent again it is done already',
    seed: (s) => s.running('a', 'w1'),
    args: turn('w1', 0, outcome('a')),
    answer: ['d', []],
    keyspace: { 'task:a': ended({ result: 'value of a' }), 'stream:normal': nothing },
    again: { answer: ['a', []] },
  },
  {
    name: 'a failure joins the dead letters, and its record keeps the whole call of the entry',
    seed: (s) => s.running('a', 'w1', { client: 'c1' }),
    args: turn('w1', 0, outcome('a', { state: 'failed', call: '' })),
    answer: ['d', []],
    keyspace: {
      'task:a': ended({ state: 'failed', error: 'value of a', call: callOf('a', 'c1') }),
      'stream:normal': nothing,
      failed: zset({ a: '<now>' }),
    },
    again: { answer: ['a', []] },
  },
  {
    name: 'of two outcomes under one token the first stands',
    seed: (s) => s.running('a', 'w1'),
    args: turn('w1', 0, outcome('a'), outcome('a', { state: 'failed', value: 'late' })),
    answer: ['df', []],
    keyspace: { 'task:a': ended({ result: 'value of a' }), 'stream:normal': nothing },
    again: { answer: ['af', []] },
  },
  {
    name: 'a batch is judged outcome by outcome',
    seed: (s) => s.running('a', 'w1').ended('b', 'succeeded', 'b').running('c', 'w2').running('d', 'w1'),
    args: turn(
      ...(['w1', 0] as const),
      outcome('c', { place: ['normal', '2-0'] }),
      outcome('a'),
      outcome('b', { place: ['normal', '9-0'] }),
      outcome('d', { place: ['normal', '3-0'] }),
    ),
    answer: ['fdad', []],
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'task:d': ended({ entry: 'normal/3-0', result: 'value of d' }),
      'stream:normal': lane('3-0', { '2-0': 'c' }, { w1: [], w2: ['2-0'] }),
    },
    again: { answer: ['faaa', []] },
  },
  {
    name: 'an outcome is fenced under the token of another entry or another lane',
    seed: (s) => s.running('a', 'w1'),
    args: turn('w1', 0, outcome('a', { place: ['normal', '2-0'] }), outcome('a', { place: ['high', '1-0'] })),
    answer: ['ff', []],
  },
  {
    name: 'an outcome is fenced from a worker that does not own the task, running or ended',
    seed: (s) => s.running('a', 'w1').ended('b', 'succeeded', 'b'),
    args: turn('w2', 0, outcome('a'), outcome('b', { place: ['normal', '9-0'] })),
    answer: ['ff', []],
  },
  {
    name: 'an outcome is fenced where there is no record, or none of ours',
    seed: (s) => s.command('SET', 'P:task:b', 'junk').record('c', { note: 'junk' }),
    args: turn('w1', 0, outcome('a'), outcome('b'), outcome('c')),
    answer: ['fff', []],
  },
  {
    name: 'the outcome of a task whose start was lost on its way counts, with its worker and attempt',
    seed: (s) => s.delivered('a', 'w1'),
    args: turn('w1', 0, outcome('a', { attempt: 2 })),
    answer: ['d', []],
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: 'normal/1-0', state: 'succeeded', worker: 'w1', attempt: '2' },
          ...{ finished: '<now>', call: 'kept', result: 'value of a' },
        },
        '60 s',
      ),
      'stream:normal': nothing,
    },
    again: { answer: ['a', []] },
  },
  {
    name: 'a failure whose entry was deleted under the pending list is written without its call',
    seed: (s) => s.running('a', 'w1').command('XDEL', 'P:stream:normal', '1-0'),
    args: turn('w1', 0, outcome('a', { state: 'failed', call: '' })),
    answer: ['d', []],
    keyspace: {
      'task:a': ended({ state: 'failed', error: 'value of a', call: '' }),
      'stream:normal': nothing,
      failed: zset({ a: '<now>' }),
    },
    again: { answer: ['a', []] },
  },
  {
    name: 'the outcome of a zombie counts while its task was not recovered, and it gets nothing new',
    seed: (s) => s.markedDead('w1').running('a', 'w1').queued('b'),
    args: turn('w1', 5, outcome('a')),
    answer: ['d', 'dead'],
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'stream:normal': lane('1-0', { '2-0': 'b' }, { w1: [] }),
    },
    again: { answer: ['a', 'dead'] },
  },
  {
    name: 'the outcome of a zombie is fenced once its task was recovered, waiting or running elsewhere',
    seed: (s) =>
      s
        .entry('first', 'x', 'x')
        .entry('first', 'a', callOf('a'), 'attempt', '1')
        .record('a', { entry: 'first/2-0', attempt: '1', crashes: '1', created: '1' })
        .running('b', 'w2', { record: { attempt: '2', crashes: '1' } }),
    args: turn('w1', 0, outcome('a'), outcome('b')),
    answer: ['ff', []],
  },
  {
    name: 'every client that waits is told once, and each gets one message for the whole turn',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { clients: 'c1 c2' } })
        .running('b', 'w1', { record: { clients: 'c2 c3' } })
        .running('c', 'w1'),
    args: turn(
      ...(['w1', 0] as const),
      outcome('a', { client: 'c1' }),
      outcome('b', { place: ['normal', '2-0'], state: 'failed' }),
      outcome('c', { place: ['normal', '3-0'], client: 'c2' }),
    ),
    answer: ['ddd', []],
    published: {
      c1: [[['a', 'succeeded', 'value of a']]],
      c2: [
        [
          ['a', 'succeeded', 'value of a'],
          ['b', 'failed', 'value of b'],
          ['c', 'succeeded', 'value of c'],
        ],
      ],
      c3: [[['b', 'failed', 'value of b']]],
    },
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'task:b': ended({ entry: 'normal/2-0', state: 'failed', error: 'value of b' }),
      'task:c': ended({ entry: 'normal/3-0', result: 'value of c' }),
      'stream:normal': lane('3-0', {}, { w1: [] }),
      failed: zset({ b: '<now>' }),
    },
    again: { answer: ['aaa', []] },
  },
  {
    name: 'a value of 64 KiB is sent along, one byte more is left in the record',
    seed: (s) => s.running('a', 'w1').running('b', 'w1'),
    args: turn(
      ...(['w1', 0] as const),
      outcome('a', { client: 'c1', value: kib64 }),
      outcome('b', { client: 'c1', place: ['normal', '2-0'], value: `${kib64}x` }),
    ),
    answer: ['dd', []],
    published: {
      c1: [
        [
          ['a', 'succeeded', short(kib64)],
          ['b', 'succeeded'],
        ],
      ],
    },
    keyspace: {
      'task:a': ended({ result: short(kib64) }),
      'task:b': ended({ entry: 'normal/2-0', result: short(`${kib64}x`) }),
      'stream:normal': lane('2-0', {}, { w1: [] }),
    },
    again: { answer: ['aa', []] },
  },
  {
    name: 'a message that passes 256 KiB is sent off, and the rest goes in the next',
    seed: (s) => six.map((id) => s.running(id, 'w1')),
    args: turn(
      ...(['w1', 0] as const),
      ...six.map((id, i) => outcome(id, { client: 'c1', place: ['normal', `${i + 1}-0`], value: kib64 })),
    ),
    answer: ['dddddd', []],
    published: {
      c1: [six.slice(0, 5).map((id) => [id, 'succeeded', short(kib64)]), [['f', 'succeeded', short(kib64)]]],
    },
    keyspace: {
      ...Object.fromEntries(
        six.map((id, i) => [`task:${id}`, ended({ entry: `normal/${i + 1}-0`, result: short(kib64) })]),
      ),
      'stream:normal': lane('6-0', {}, { w1: [] }),
    },
    again: { answer: ['aaaaaa', []] },
  },
  {
    name: 'a zombie whose task was failed as poison meanwhile is fenced',
    seed: (s) => s.failed('a', 1),
    args: turn('w1', 0, outcome('a', { place: ['normal', '9-0'] })),
    answer: ['f', []],
  },
  {
    name: 'past the cap the oldest failure goes, and its record after a last look',
    seed: (s) => s.running('a', 'w1').failed('x', 1).failed('y', 2).failed('z', 3),
    args: turn('w1', 0, outcome('a', { state: 'failed' })),
    answer: ['d', []],
    keyspace: {
      'task:a': ended({ state: 'failed', error: 'value of a' }),
      'task:x': goingSoon,
      'stream:normal': nothing,
      failed: zset({ y: '2', z: '3', a: '<now>' }),
    },
    again: { answer: ['a', []] },
  },
  {
    name: 'each failure clears up to two of the oldest whose records have expired',
    seed: (s) => s.running('a', 'w1').command('ZADD', 'P:failed', 1, 'gone1', 2, 'gone2', 3, 'gone3'),
    args: turn('w1', 0, outcome('a', { state: 'failed' })),
    answer: ['d', []],
    keyspace: {
      'task:a': ended({ state: 'failed', error: 'value of a' }),
      'stream:normal': nothing,
      failed: zset({ gone3: '3', a: '<now>' }),
    },
    again: { answer: ['a', []] },
  },
]

const all = (s: Parameters<NonNullable<Row['seed']>>[0]) =>
  s
    .worker('w1')
    .queued('a', { lane: 'low' })
    .queued('b')
    .queued('c', { lane: 'high' })
    .queued('d', { lane: 'first' })
    .queued('e')

const taking: Row[] = [
  {
    name: 'new work comes lanes in order, each lane in its own, and is running from then on',
    seed: all,
    args: turn('w1', 10),
    answer: [
      '',
      [
        ...['first', '4-0', 'd', callOf('d'), '1', 'high', '3-0', 'c', callOf('c'), '1'],
        ...['normal', '2-0', 'b', callOf('b'), '1', 'normal', '5-0', 'e', callOf('e'), '1'],
        ...['low', '1-0', 'a', callOf('a'), '1'],
      ],
    ],
    keyspace: {
      'task:a': running({ entry: 'low/1-0' }),
      'task:b': running({ entry: 'normal/2-0' }),
      'task:c': running({ entry: 'high/3-0' }),
      'task:d': running({ entry: 'first/4-0' }),
      'task:e': running({ entry: 'normal/5-0' }),
      'stream:first': lane('4-0', { '4-0': 'd' }, { w1: ['4-0'] }),
      'stream:high': lane('3-0', { '3-0': 'c' }, { w1: ['3-0'] }),
      'stream:normal': lane('5-0', { '2-0': 'b', '5-0': 'e' }, { w1: ['2-0', '5-0'] }),
      'stream:low': lane('1-0', { '1-0': 'a' }, { w1: ['1-0'] }),
    },
    again: { answer: ['', []] },
  },
  {
    name: 'no more than wanted is taken; asked again, a turn takes the next',
    seed: (s) => all(s).deliver('w1', 'first').deliver('w1', 'high'),
    args: turn('w1', 1),
    answer: ['', ['normal', '2-0', 'b', callOf('b'), '1']],
    keyspace: {
      'task:b': running({ entry: 'normal/2-0' }),
      'stream:normal': lane('2-0', { '2-0': 'b', '5-0': 'e' }, { w1: ['2-0'] }),
    },
    again: {
      answer: ['', ['normal', '5-0', 'e', callOf('e'), '1']],
      keyspace: {
        'task:e': running({ entry: 'normal/5-0' }),
        'stream:normal': lane('5-0', { '2-0': 'b', '5-0': 'e' }, { w1: ['2-0', '5-0'] }),
      },
    },
  },
  {
    name: 'an outcome goes out and new work comes in by the same turn',
    seed: (s) => s.worker('w1').running('a', 'w1').queued('b'),
    args: turn('w1', 1, outcome('a', { client: 'c1' })),
    answer: ['d', ['normal', '2-0', 'b', callOf('b'), '1']],
    published: { c1: [[['a', 'succeeded', 'value of a']]] },
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'task:b': running({ entry: 'normal/2-0' }),
      'stream:normal': lane('2-0', { '2-0': 'b' }, { w1: ['2-0'] }),
    },
    again: { answer: ['a', []] },
  },
  {
    name: 'a task that was given back or recovered counts its next attempt',
    seed: (s) =>
      s
        .worker('w1')
        .entry('first', 'a', callOf('a'), 'attempt', '2')
        .record('a', { entry: 'first/1-0', attempt: '2', created: '50', crashes: '1' }),
    args: turn('w1', 1),
    answer: ['', ['first', '1-0', 'a', callOf('a'), '3']],
    keyspace: {
      'task:a': running({ entry: 'first/1-0', attempt: '3', created: '50', crashes: '1' }),
      'stream:first': lane('1-0', { '1-0': ['a', callOf('a'), 'attempt', '2'] }, { w1: ['1-0'] }),
    },
    again: { answer: ['', []] },
  },
  {
    name: 'who was never registered is told that it is dead and gets nothing; wanting nothing, it is not told',
    seed: (s) => s.worker('w2').queued('a'),
    args: turn('w1', 1),
    answer: ['', 'dead'],
  },
  {
    name: 'a worker whose lease is over but who was not declared dead is still served',
    seed: (s) => s.expired('w1').queued('a'),
    args: turn('w1', 1),
    answer: ['', ['normal', '1-0', 'a', callOf('a'), '1']],
    keyspace: {
      'task:a': running({ entry: 'normal/1-0' }),
      'stream:normal': lane('1-0', { '1-0': 'a' }, { w1: ['1-0'] }),
    },
    again: { answer: ['', []] },
  },
  {
    name: 'entries that nobody can run are quarantined, old ones dropped, and the good one among them is taken',
    seed: (s) =>
      s
        .worker('w1')
        .entry('normal', 'bad id!', 'sample 1')
        .entry('normal', 'x'.repeat(129), 'y'.repeat(300))
        .entry('normal', 'unknown', 'sample 3')
        .entry('normal', 'other', 'sample 4')
        .command('SET', 'P:task:other', 'junk')
        .entry('normal', 'junk', 'sample 5')
        .record('junk', { note: 'not ours' })
        .entry('normal', 'done', callOf('done'))
        .ended('done', 'succeeded', 'value', { entry: 'normal/6-0' })
        .entry('normal', 'moved', callOf('moved'))
        .record('moved', { entry: 'first/7-0' })
        .queued('good'),
    args: turn('w1', 10),
    answer: ['', ['normal', '8-0', 'good', callOf('good'), '1']],
    keyspace: {
      'task:good': running({ entry: 'normal/8-0' }),
      'stream:normal': lane('8-0', { '8-0': 'good' }, { w1: ['8-0'] }),
      quarantine: {
        list: [
          ['<now>', 'normal/5-0', 'no record', 'sample 5'],
          ['<now>', 'normal/4-0', 'record of another type', 'sample 4'],
          ['<now>', 'normal/3-0', 'no record', 'sample 3'],
          ['<now>', 'normal/2-0', 'bad id', 'y'.repeat(256)],
          ['<now>', 'normal/1-0', 'bad id', 'sample 1'],
        ],
      },
    },
    again: { answer: ['', []] },
  },
  {
    name: 'an entry that another worker runs, delivered again by a new group, is left to its owner',
    seed: (s) =>
      s
        .worker('w1')
        .worker('w2')
        .queued('a', { record: { state: 'running', worker: 'w2', attempt: '1' } }),
    args: turn('w1', 10),
    answer: ['', []],
    keyspace: { 'stream:normal': lane('1-0', { '1-0': 'a' }, { w1: [], w2: ['1-0'] }) },
  },
  {
    name: 'an entry whose worker is dead, delivered again by a new group, is granted anew',
    seed: (s) =>
      s
        .worker('w1')
        .markedDead('w2')
        .queued('a', { record: { state: 'running', worker: 'w2', attempt: '1' } }),
    args: turn('w1', 10),
    answer: ['', ['normal', '1-0', 'a', callOf('a'), '2']],
    keyspace: {
      'task:a': running({ entry: 'normal/1-0', attempt: '2' }),
      'stream:normal': lane('1-0', { '1-0': 'a' }, { w1: ['1-0'] }),
    },
    again: { answer: ['', []] },
  },
  {
    name: 'a call larger than this worker takes fails, and who awaits it is told',
    seed: (s) =>
      s
        .worker('w1')
        .queued('a', {
          call: `${callOf('a', 'c1')}${'x'.repeat(2_000 - callOf('a', 'c1').length)}`,
          record: { clients: 'c2' },
        })
        .queued('b'),
    args: turn('w1', 10),
    answer: ['', ['normal', '2-0', 'b', callOf('b'), '1']],
    published: {
      c1: [[['a', 'failed', short(tooLarge())]]],
      c2: [[['a', 'failed', short(tooLarge())]]],
    },
    keyspace: {
      'task:a': hash(
        {
          ...{ entry: 'normal/1-0', state: 'failed', worker: 'w1', attempt: '1', started: '<now>' },
          ...{ finished: '<now>', call: '', error: tooLarge() },
        },
        '120 s',
      ),
      'task:b': running({ entry: 'normal/2-0' }),
      'stream:normal': lane('2-0', { '2-0': 'b' }, { w1: ['2-0'] }),
      failed: zset({ a: '<now>' }),
    },
    again: { answer: ['', []] },
  },
  {
    name: 'where there are no streams there is no work, and none are made',
    bare: true,
    seed: (s) => s.worker('w1'),
    args: turn('w1', 10),
    answer: ['', []],
  },
  {
    name: 'a lane without its group is an error; the outcomes that came along and what was taken before it stand',
    bare: true,
    seed: (s) => s.group('normal').worker('w1').running('a', 'w1').queued('b', { lane: 'low' }).queued('c'),
    args: turn('w1', 10, outcome('a', { client: 'c1' })),
    refused: /NOGROUP/,
    published: { c1: [[['a', 'succeeded', 'value of a']]] },
    keyspace: {
      'task:a': ended({ result: 'value of a' }),
      'task:c': running({ entry: 'normal/3-0' }),
      'stream:normal': lane('3-0', { '3-0': 'c' }, { w1: ['3-0'] }),
    },
  },
  {
    name: 'at maxmemory outcomes are written and work is taken',
    full: true,
    seed: (s) => s.worker('w1').running('a', 'w1').queued('b'),
    args: turn('w1', 1, outcome('a', { client: 'c1', state: 'failed' })),
    answer: ['d', ['normal', '2-0', 'b', callOf('b'), '1']],
    published: { c1: [[['a', 'failed', 'value of a']]] },
    keyspace: {
      'task:a': ended({ state: 'failed', error: 'value of a' }),
      'task:b': running({ entry: 'normal/2-0' }),
      'stream:normal': lane('2-0', { '2-0': 'b' }, { w1: ['2-0'] }),
      failed: zset({ a: '<now>' }),
    },
    again: { answer: ['a', []] },
  },
]

function tooLarge(): string {
  return `PayloadTooLargeError ERR_MILLRACE_PAYLOAD_TOO_LARGE: the call has 2000 bytes; this worker takes at most ${MAX_CALL}`
}

for (const [name, test] of table('turn', [...outcomes, ...taking])) it(name, test)
