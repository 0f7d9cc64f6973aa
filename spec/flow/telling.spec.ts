/** turn, of tasks that others wait for: who waits is told in the script that writes the outcome, as its policy says. */

import { it } from 'node:test'
import type { FrameItem } from '../../lib/redis/frame.ts'
import type { OutcomeState } from '../../lib/redis/wire.ts'
import { encodeForm } from '../../lib/remote-error.ts'
import { callOf, hash, lane, zset } from '../support/keyspace.ts'
import { type Row, table } from '../support/script-table.ts'
import type { Seed } from '../support/seed.ts'

/** Failures are kept for 120 s, three at most. */
const turn = (want: number, ...outcomes: FrameItem[]): FrameItem[] => [
  'w1',
  want,
  1_000,
  3,
  120_000,
  ...outcomes,
]
const BROKEN = encodeForm('Error', 'E_BROKEN', 'broken')
const outcome = (state: OutcomeState, id = 'a', entry = '1-0'): FrameItem[] => [
  ...['normal', state, 1, 60_000, id, entry, 7],
  ...[state === 'failed' || state === 'expired' ? BROKEN : `value of ${id}`, 'kept', ''],
]
const ends = (state: OutcomeState) => turn(0, outcome(state))

const running = (s: Seed): Seed => s.running('a', 'w1', { record: { tied: '1' } })
const done = (letter: string, more: Record<string, string>) =>
  hash({ entry: '1-0', end: `${letter} 1 7 <now> w1`, call: 'kept', tied: '1', ...more }, '60 s')
const succeeded = done('s', { result: 'value of a' })
const BROKE = BROKEN.toString('latin1')
const failed = done('f', { error: BROKE })
const nothing = lane('1-0', {}, { w1: [] })
/** A child that has ended because another did. */
const over = (id: string, end: string, error: string, more: Record<string, string>, ttl = '120 s') =>
  hash(
    { entry: 'waiting/normal', end: `${end} 0 0 <now> `, call: callOf(id), created: '50', error, ...more },
    ttl,
  )
const because = (parent: string, word: string) =>
  `DependencyError ERR_MILLRACE_DEPENDENCY: the task ${parent} that it waited for ${word}`
const cancelled = (parent: string, word: string) =>
  `TaskCancelledError ERR_MILLRACE_TASK_CANCELLED: the task ${parent} that it waited for ${word}`

const common = { answer: ['d'], again: { answer: ['a'] } }

const rows: Row[] = [
  {
    name: 'a success lines up who waits for it, each in its lane',
    seed: (s) => running(s).child('b', ['a']).child('c', ['a'], { lane: 'high' }),
    args: ends('succeeded'),
    ...common,
    keyspace: {
      'task:a': succeeded,
      'task:b': hash({ entry: 'e1', created: '50', after: 'a', policy: 'f' }),
      'task:c': hash({ entry: 'high/e1', created: '50', after: 'a', policy: 'f' }),
      'deps:a': null,
      'stream:normal': lane('1-0', { e1: 'b' }, { w1: [] }),
      'stream:high': lane('0-0', { e1: 'c' }),
    },
  },
  {
    name: 'its result goes into the record of who takes it, and the entry says that it lies there',
    seed: (s) => running(s).child('b', ['a'], { takes: true }),
    args: ends('succeeded'),
    ...common,
    keyspace: {
      'task:a': succeeded,
      'task:b': hash({
        ...{ entry: 'e1', created: '50', after: 'a', policy: 'f', inputs: '1', tied: '1' },
        'in:0': 'svalue of a',
      }),
      'deps:a': null,
      'stream:normal': lane('1-0', { e1: ['b', callOf('b'), 'inputs', '1'] }, { w1: [] }),
    },
  },
  {
    name: 'who waits for others too goes on waiting; the places of what it takes are theirs',
    seed: (s) => running(s).queued('x').child('b', ['x', 'a'], { takes: true }),
    args: ends('succeeded'),
    ...common,
    keyspace: {
      'task:a': succeeded,
      'task:b': hash({
        ...{ entry: 'waiting/normal', call: callOf('b'), created: '50', after: 'x a', policy: 'f' },
        ...{ needs: '1', inputs: '2', tied: '1', 'in:1': 'svalue of a' },
      }),
      'deps:a': null,
      'stream:normal': lane('1-0', { '2-0': 'x' }, { w1: [] }),
    },
  },
  {
    name: 'one that is not to begin yet is scheduled',
    seed: (s) => running(s).child('b', ['a'], { record: { begin: s.at(30_000) } }),
    args: ends('succeeded'),
    ...common,
    keyspace: {
      'task:a': succeeded,
      'task:b': hash({
        ...{ entry: 'scheduled/normal', call: callOf('b'), created: '50', after: 'a', policy: 'f' },
        begin: '<now+30s>',
      }),
      'deps:a': null,
      scheduled: zset({ b: '<now+30s>' }),
      'stream:normal': nothing,
    },
    published: { control: ['due 30000'] },
  },
  {
    name: 'one that waits behind it begins, however it ends, and takes nothing from it',
    seed: (s) =>
      running(s).child('b', ['a'], { policy: 'b', record: { inputs: '1', 'in:0': 'sown', tied: '1' } }),
    args: ends('failed'),
    ...common,
    keyspace: {
      'task:a': failed,
      'task:b': hash({
        ...{ entry: 'e1', created: '50', after: 'a', policy: 'b', inputs: '1', tied: '1', 'in:0': 'sown' },
      }),
      'deps:a': null,
      failed: zset({ a: '<now>' }),
      'stream:normal': lane('1-0', { e1: ['b', callOf('b'), 'inputs', '1'] }, { w1: [] }),
    },
  },
  {
    name: 'calls that hear of its progress go when it has succeeded; one that failed keeps them for another time',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { tied: '1', hears: '2', 'hear:0': 'x', 'hear:1': 'y' } })
        .running('b', 'w1', { record: { tied: '1', hears: '1', 'hear:0': 'x' } }),
    args: turn(0, outcome('succeeded'), outcome('failed', 'b', '2-0')),
    answer: ['dd'],
    again: { answer: ['aa'] },
    keyspace: {
      'task:a': done('s', { result: 'value of a' }),
      'task:b': hash(
        {
          ...{ entry: '2-0', end: 'f 1 7 <now> w1', call: 'kept', error: BROKE, tied: '1' },
          ...{ hears: '1', 'hear:0': 'x' },
        },
        '60 s',
      ),
      failed: zset({ b: '<now>' }),
      'stream:normal': lane('2-0', {}, { w1: [] }),
    },
  },
  {
    name: 'who takes the results of others gives them up when it has succeeded; who failed keeps them for another time',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { tied: '1', inputs: '1', 'in:0': 'svalue', after: 'x', policy: 'f' } })
        .running('b', 'w1', {
          record: { tied: '1', inputs: '1', 'in:0': 'svalue', after: 'x', policy: 'f' },
        }),
    args: turn(0, outcome('succeeded'), outcome('failed', 'b', '2-0')),
    answer: ['dd'],
    again: { answer: ['aa'] },
    keyspace: {
      'task:a': done('s', { result: 'value of a', after: 'x', policy: 'f' }),
      'task:b': hash(
        {
          ...{ entry: '2-0', end: 'f 1 7 <now> w1', call: 'kept', error: BROKE, tied: '1' },
          ...{ inputs: '1', 'in:0': 'svalue', after: 'x', policy: 'f' },
        },
        '60 s',
      ),
      failed: zset({ b: '<now>' }),
      'stream:normal': lane('2-0', {}, { w1: [] }),
    },
  },
  {
    name: 'a failure lets those fail that wait for it, and those that wait for them, with the first error as the cause',
    seed: (s) =>
      running(s)
        .child('b', ['a'], { client: 'c1', record: { tied: '1' } })
        .child('c', ['b']),
    args: ends('failed'),
    ...common,
    keyspace: {
      'task:a': failed,
      'task:b': over('b', 'f', `${because('a', 'failed')}, because of broken`, {
        ...{ call: callOf('b', 'c1'), after: 'a', policy: 'f', needs: '1', tied: '1' },
      }),
      'task:c': over('c', 'f', `${because('b', 'failed')}, because of broken`, {
        ...{ after: 'b', policy: 'f', needs: '1' },
      }),
      'deps:a': null,
      'deps:b': null,
      failed: zset({ a: '<now>', b: '<now>', c: '<now>' }),
      'stream:normal': nothing,
    },
    published: { c1: [['b', 'failed', `${because('a', 'failed')}, because of broken`]] },
  },
  {
    name: 'policy c: who waits is cancelled; r: it runs, and takes the error; s: it vanishes, whoever waits for it is told',
    seed: (s) =>
      running(s)
        .child('b', ['a'], { policy: 'c' })
        .child('c', ['a'], { policy: 'r', takes: true })
        .child('d', ['a'], { policy: 's', record: { tied: '1' } })
        .child('e', ['d'], { policy: 'c' }),
    args: ends('expired'),
    ...common,
    keyspace: {
      'task:a': done('e', { error: BROKE }),
      'task:b': over('b', 'c', cancelled('a', 'expired'), { after: 'a', policy: 'c', needs: '1' }),
      'task:c': hash({
        ...{ entry: 'e1', created: '50', after: 'a', policy: 'r', inputs: '1', tied: '1' },
        'in:0': `e${BROKEN.toString('latin1')}`,
      }),
      'task:d': null,
      'task:e': over('e', 'c', cancelled('d', 'was cancelled'), { after: 'd', policy: 'c', needs: '1' }),
      'deps:a': null,
      'deps:d': null,
      ended: hash({ expired: '1', cancelled: '2' }),
      'stream:normal': lane('1-0', { e1: ['c', callOf('c'), 'inputs', '1'] }, { w1: [] }),
    },
  },
  {
    name: 'policy e: a failure begins it',
    seed: (s) => running(s).child('b', ['a'], { policy: 'e' }),
    args: ends('failed'),
    ...common,
    keyspace: {
      'task:a': failed,
      'task:b': hash({ entry: 'e1', created: '50', after: 'a', policy: 'e' }),
      'deps:a': null,
      failed: zset({ a: '<now>' }),
      'stream:normal': lane('1-0', { e1: 'b' }, { w1: [] }),
    },
  },
  {
    name: 'policy e: a success takes it away; it is not counted, and who asked for it can still look',
    seed: (s) =>
      running(s)
        .child('b', ['a'], { policy: 'e' })
        .child('c', ['a'], { policy: 'e', record: { clients: 'c2' } }),
    args: ends('succeeded'),
    ...common,
    keyspace: {
      'task:a': succeeded,
      'task:b': null,
      'task:c': over('c', 'c', cancelled('a', 'succeeded'), { after: 'a', policy: 'e', needs: '1' }, '30 s'),
      'deps:a': null,
      ended: hash({ succeeded: '1' }),
      'stream:normal': nothing,
    },
    published: { c2: [['c', 'cancelled', cancelled('a', 'succeeded')]] },
  },
  {
    name: 'who has ended meanwhile, or runs already, or is gone, hears nothing',
    seed: (s) =>
      running(s)
        .queued('b')
        .ended('c', 'cancelled', 'error of c', { needs: '1' })
        .command('HSET', 'P:deps:a', 'b', 0, 'c', 0, 'gone', 0),
    args: ends('succeeded'),
    ...common,
    keyspace: {
      'task:a': succeeded,
      'deps:a': null,
      'stream:normal': lane('1-0', { '2-0': 'b' }, { w1: [] }),
    },
  },
  {
    name: 'a late outcome tells nobody; nor does an attempt that is followed by another',
    seed: (s) => running(s).running('x', 'w1').child('b', ['a']),
    args: turn(0, outcome('succeeded', 'a', '9-9'), outcome('retry', 'x', '2-0')),
    answer: ['fd'],
    again: { answer: ['fa'] },
    keyspace: {
      'task:x': hash({
        ...{
          entry: 'scheduled/normal',
          call: 'kept',
          created: '2',
          attempt: '1',
          failures: '1',
          left: '2-0',
        },
        errors: '1 <now> value of x',
      }),
      scheduled: zset({ x: '<now+60s>' }),
      'stream:normal': lane('2-0', { '1-0': 'a' }, { w1: ['1-0'] }),
    },
    published: { control: ['due 60000'] },
  },
  {
    name: 'the end of a member is counted in its flow; that of the last lets the flow go, with what is kept longest',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { tied: '1', flow: 'f' } })
        .running('b', 'w1', { record: { tied: '1', flow: 'g' } })
        .command('HSET', 'P:flow:f', 'a', '', 'b', 'a', 'open', 2)
        .command('HSET', 'P:flow:g', 'b', '', 'open', 1, 'until', s.at(90_000)),
    args: turn(0, outcome('succeeded'), outcome('succeeded', 'b', '2-0')),
    answer: ['dd'],
    again: { answer: ['aa'] },
    keyspace: {
      'task:a': done('s', { result: 'value of a', flow: 'f' }),
      'task:b': hash(
        { entry: '2-0', end: 's 1 7 <now> w1', call: 'kept', tied: '1', result: 'value of b', flow: 'g' },
        '60 s',
      ),
      'flow:f': hash({ a: '', b: 'a', open: '1', until: '<now+60s>' }),
      'flow:g': hash({ b: '', open: '0', until: '<now+90s>' }, '90 s'),
      'stream:normal': lane('2-0', {}, { w1: [] }),
    },
  },
]

for (const [name, test] of table('turn', rows)) it(name, test)
