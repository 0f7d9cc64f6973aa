/** enqueue, of calls that wait for others: registered with each parent that is open; all or none of a batch. */

import { it } from 'node:test'
import type { FrameItem } from '../../lib/redis/frame.ts'
import { callOf, hash, lane, zset } from '../support/keyspace.ts'
import { type Row, table } from '../support/script-table.ts'

const NO_CAP = ''
const EACH = ''
const ALL = '1'
const sent = (...calls: FrameItem[][]): FrameItem[] => ['0', NO_CAP, EACH, ...calls.flat()]
const together = (cap: number | string, ...calls: FrameItem[][]): FrameItem[] => [
  '0',
  cap,
  ALL,
  ...calls.flat(),
]
const to = (id: string, ...how: FrameItem[]): FrameItem[] => [['normal', ...how], id, callOf(id)]
const plain = (id: string): FrameItem[] => ['normal', id, callOf(id)]
/** The record of one that waits. */
const child = (id: string, fields: Record<string, string>) =>
  hash({
    ...{ entry: 'waiting/normal', call: callOf(id), created: '<now>', policy: 'f' },
    ...fields,
  })

const waiting: Row[] = [
  {
    name: 'a task waits for the end of one that runs, which will tell it',
    seed: (s) => s.running('a', 'w1'),
    args: sent(to('b', 'after', 'a')),
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: '1-0', tied: '1' }),
      'task:b': child('b', { after: 'a', needs: '1' }),
      'deps:a': hash({ b: '0' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'for several, wherever they are; each by its place among them; what they give is taken where that is asked for',
    seed: (s) => s.queued('a').scheduled('c', 30_000),
    args: sent(to('b', 'after', 'c a', 'policy', 'r', 'take', 1)),
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: '1-0', tied: '1' }),
      'task:c': hash({ entry: 'scheduled/normal', call: callOf('c'), created: '50', tied: '1' }),
      'task:b': child('b', { after: 'c a', needs: '2', policy: 'r', inputs: '2', tied: '1' }),
      'deps:a': hash({ b: '1' }),
      'deps:c': hash({ b: '0' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'a parent may stand ahead of it in the same batch; a child may be a parent',
    args: sent(plain('a'), to('b', 'after', 'a'), to('c', 'after', 'b', 'policy', 's')),
    answer: 3,
    keyspace: {
      'task:a': hash({ entry: 'e1', tied: '1' }),
      'task:b': child('b', { after: 'a', needs: '1', tied: '1' }),
      'task:c': child('c', { after: 'b', needs: '1', policy: 's' }),
      'deps:a': hash({ b: '0' }),
      'deps:b': hash({ c: '0' }),
      'stream:normal': lane('0-0', { e1: 'a' }),
    },
    again: { answer: 0 },
  },
  {
    name: 'one that has succeeded is waited for no longer; its result lies in the record, and the entry says so',
    seed: (s) => s.ended('a', 'succeeded', 'value of a'),
    args: sent(to('b', 'after', 'a', 'take', 1)),
    answer: 1,
    keyspace: {
      'task:b': hash({ entry: 'e1', after: 'a', policy: 'f', inputs: '1', tied: '1', 'in:0': 'svalue of a' }),
      'stream:normal': lane('0-0', { e1: ['b', callOf('b'), 'inputs', '1'] }),
    },
    again: { answer: 0 },
  },
  {
    name: 'one that has failed is told to it by promote, unless it runs all the same',
    seed: (s) => s.failed('a', 200),
    args: sent(to('b', 'after', 'a'), to('c', 'after', 'a', 'policy', 'r')),
    answer: 2,
    keyspace: {
      'task:a': hash({ entry: '9-0', end: 'f 1 100 200 w1', call: callOf('a'), error: 'error of a' }),
      'task:b': child('b', { after: 'a', needs: '1' }),
      'task:c': hash({ entry: 'e1', after: 'a', policy: 'r' }),
      'deps:a': hash({ b: '0' }),
      releasing: hash({ a: 'f <now+60s>' }),
      'stream:normal': lane('0-0', { e1: 'c' }),
    },
    published: { control: ['due 0'] },
    again: { answer: 0 },
  },
  {
    name: 'a callback of failure begins at once where it came, and is taken away by promote where it did not',
    seed: (s) => s.failed('a', 200).ended('c', 'succeeded', 'value of c'),
    args: sent(to('b', 'after', 'a', 'policy', 'e', 'take', 1), to('d', 'after', 'c', 'policy', 'e')),
    answer: 2,
    keyspace: {
      'task:b': hash({ entry: 'e1', after: 'a', policy: 'e', inputs: '1', tied: '1', 'in:0': 'ferror of a' }),
      'task:c': hash({ entry: '9-0', end: 's 1 100 200 w1', call: callOf('c'), result: 'value of c' }),
      'task:d': child('d', { after: 'c', needs: '1', policy: 'e' }),
      'deps:c': hash({ d: '0' }),
      releasing: hash({ c: 's <now+60s>' }),
      'stream:normal': lane('0-0', { e1: ['b', callOf('b'), 'inputs', '1'] }),
    },
    published: { control: ['due 0'] },
    again: { answer: 0 },
  },
  {
    name: 'its times count while it waits; one for later says when it may begin',
    seed: (s) => s.running('a', 'w1'),
    args: sent(to('b', 'after', 'a', 'in', 30_000, 'deadline', 60_000), to('c', 'after', 'a', 'ttl', 20_000)),
    answer: 2,
    keyspace: {
      'task:a': hash({ entry: '1-0', tied: '1' }),
      'task:b': child('b', { after: 'a', needs: '1', begin: '<now+30s>', deadline: '<now+60s>' }),
      'task:c': child('c', { after: 'a', needs: '1', expires: '<now+20s>' }),
      'deps:a': hash({ b: '0', c: '0' }),
      expiring: zset({ b: '<now+60s>', c: '<now+20s>' }),
    },
    published: { control: ['due 20000'] },
    again: { answer: 0 },
  },
  {
    name: 'it holds its key while it waits; a call that joins another waits for nothing',
    seed: (s) => s.running('a', 'w1'),
    args: sent(to('b', 'key', 'k', 'after', 'a'), to('c', 'key', 'k', 'after', 'a', 'again', 1)),
    answer: [1, 2, 'b waiting'],
    keyspace: {
      'task:a': hash({ entry: '1-0', tied: '1' }),
      'task:b': child('b', { after: 'a', needs: '1', key: 'k' }),
      'deps:a': hash({ b: '0' }),
      'key:k': { string: 'b' },
      'joined:c': { string: 'b', expires: '60 s' },
    },
    again: { answer: [0, 2, 'b waiting'] },
  },
  {
    name: 'a parent that joined another is that one',
    seed: (s) => s.running('x', 'w1', { record: { key: 'k' } }).holdsKey('x'),
    args: sent(to('a', 'key', 'k'), to('b', 'after', 'a')),
    answer: [1, 1, 'x running'],
    keyspace: {
      'task:x': hash({ entry: '1-0', key: 'k', tied: '1' }),
      'joined:a': { string: 'x', expires: '60 s' },
      'task:b': child('b', { after: 'x', needs: '1' }),
      'deps:x': hash({ b: '0' }),
    },
    again: { answer: [0, 1, 'x running'] },
  },
  {
    name: 'one that nobody knows is told of, and its child is not accepted; nor are those that wait for that one',
    seed: (s) => s.queued('a'),
    args: sent(to('b', 'after', 'a nobody'), to('c', 'after', 'b'), plain('d')),
    answer: [1, 1, 'orphan nobody', 2, 'orphan b'],
    keyspace: {
      'task:d': hash({ entry: 'e1' }),
      'stream:normal': lane('0-0', { '1-0': 'a', e1: 'd' }),
    },
    again: { answer: [0, 1, 'orphan nobody', 2, 'orphan b'] },
  },
  {
    name: 'members of a flow are counted in it, with what they wait for',
    args: sent(to('a', 'flow', 'f'), to('b', 'flow', 'f', 'after', 'a')),
    answer: 2,
    keyspace: {
      'task:a': hash({ entry: 'e1', flow: 'f', tied: '1' }),
      'task:b': child('b', { after: 'a', needs: '1', flow: 'f', tied: '1' }),
      'deps:a': hash({ b: '0' }),
      'flow:f': hash({ a: '', b: 'a', open: '2' }),
      'stream:normal': lane('0-0', { e1: 'a' }),
    },
    again: { answer: 0 },
  },
]

const atomic: Row[] = [
  {
    name: 'together: all are accepted where nothing stands against it',
    args: together(3, plain('a'), to('b', 'after', 'a'), to('c', 'in', 60_000)),
    answer: 3,
    keyspace: {
      'task:a': hash({ entry: 'e1', tied: '1' }),
      'task:b': child('b', { after: 'a', needs: '1' }),
      'task:c': hash({ entry: 'scheduled/normal', call: callOf('c'), created: '<now>' }),
      'deps:a': hash({ b: '0' }),
      scheduled: zset({ c: '<now+60s>' }),
      'stream:normal': lane('0-0', { e1: 'a' }),
    },
    published: { control: ['due 60000'] },
    again: { answer: 0 },
  },
  {
    name: 'together: without room for one of them nothing is written, and those that are too many are named',
    seed: (s) => s.queued('x'),
    args: together(3, plain('a'), plain('b'), plain('c'), to('d', 'in', 1_000)),
    answer: [0, 3, 'full', 4, 'full'],
  },
  {
    name: 'together: with an unknown parent nothing is written',
    args: together(NO_CAP, plain('a'), to('b', 'after', 'a nobody'), to('c', 'after', 'b')),
    answer: [0, 2, 'orphan nobody'],
  },
  {
    name: 'together: a parent that stands behind its child is not known',
    args: together(NO_CAP, to('b', 'after', 'a'), plain('a')),
    answer: [0, 1, 'orphan a'],
  },
  {
    name: 'together: calls that join others need no room, nor do those that are there already',
    seed: (s) => s.running('x', 'w1', { record: { key: 'k' } }).holdsKey('x'),
    args: together(2, to('b', 'key', 'k'), to('c', 'key', 'j'), to('d', 'key', 'j')),
    answer: [1, 1, 'x running', 3, 'c queued'],
    keyspace: {
      'task:c': hash({ entry: 'e1', key: 'j' }),
      'key:j': { string: 'c' },
      'joined:b': { string: 'x', expires: '60 s' },
      'joined:d': { string: 'c', expires: '60 s' },
      'stream:normal': lane('1-0', { '1-0': 'x', e1: 'c' }, { w1: ['1-0'] }),
    },
    again: { answer: [0, 1, 'x running', 3, 'c queued'] },
  },
]

for (const [name, test] of table('enqueue', [...waiting, ...atomic])) it(name, test)
