/** enqueue, of calls that bring others which hear of their progress, or are given a value. */

import { it } from 'node:test'
import type { FrameItem } from '../../lib/redis/frame.ts'
import { type Hears, hearing, hears, letHear, packedHearer } from '../support/hearers.ts'
import { callOf, hash, lane, zset } from '../support/keyspace.ts'
import { type Row, table } from '../support/script-table.ts'
import type { Seed } from '../support/seed.ts'

const sent = (...calls: FrameItem[][]): FrameItem[] => ['0', '', '', ...calls.flat()]
const together = (...calls: FrameItem[][]): FrameItem[] => ['0', '', '1', ...calls.flat()]
const to = (id: string, ...how: FrameItem[]): FrameItem[] => [['normal', ...how], id, callOf(id)]

const one: Hears = ['normal', callOf('one'), '1']
const two: Hears = [['low', 'in', '1000'], callOf('two'), '']
const many = Array.from({ length: 100 }, (_, n): Hears => ['normal', `call ${n}`, ''])
const joined = (id: string, holder: string) => ({ [`joined:${id}`]: { string: holder, expires: '60 s' } })
const holder = (s: Seed): Seed => s.running('a', 'w1', { record: { key: 'k' } }).holdsKey('a')

const rows: Row[] = [
  {
    name: 'they lie in the record, and the entry says that there are some',
    args: sent(to('a', ...hears(one, two))),
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'e1', ...hearing(one, two) }),
      'stream:normal': lane('0-0', { e1: ['a', callOf('a'), 'hears', '2'] }),
    },
    again: { answer: 0 },
  },
  {
    name: 'the same one twice is one',
    args: sent(to('a', ...hears(one, one))),
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'e1', ...hearing(one) }),
      'stream:normal': lane('0-0', { e1: ['a', callOf('a'), 'hears', '1'] }),
    },
    again: { answer: 0 },
  },
  {
    name: 'a value that is given to a call is its first input',
    args: sent(to('a', 'given', ['svalue'])),
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'e1', inputs: '1', 'in:0': 'svalue', tied: '1' }),
      'stream:normal': lane('0-0', { e1: ['a', callOf('a'), 'inputs', '1'] }),
    },
    again: { answer: 0 },
  },
  {
    name: 'one that waits behind another takes nothing from it, also where that has ended already',
    seed: (s) => s.running('x', 'w1').ended('y', 'failed', 'error'),
    args: sent(
      to('a', 'given', ['svalue'], 'after', 'x', 'policy', 'b'),
      to('b', 'given', ['svalue'], 'after', 'y', 'policy', 'b'),
    ),
    answer: 2,
    keyspace: {
      'task:x': hash({ entry: '1-0', tied: '1' }),
      'task:a': hash({
        ...{ entry: 'waiting/normal', call: callOf('a'), created: '<now>', needs: '1' },
        ...{ after: 'x', policy: 'b', inputs: '1', 'in:0': 'svalue', tied: '1' },
      }),
      'task:b': hash({ entry: 'e1', after: 'y', policy: 'b', inputs: '1', 'in:0': 'svalue', tied: '1' }),
      'deps:x': hash({ a: '0' }),
      'stream:normal': lane('1-0', { '1-0': 'x', e1: ['b', callOf('b'), 'inputs', '1'] }, { w1: ['1-0'] }),
    },
    again: { answer: 0 },
  },
  {
    name: 'a call that joins a live task brings its own to that one, each once',
    seed: (s) => letHear(holder(s), 'a', one),
    args: sent(to('b', 'key', 'k', ...hears(one)), to('c', 'key', 'k', ...hears(two, one))),
    answer: [0, 1, 'a running', 2, 'a running'],
    keyspace: {
      'task:a': hash({ entry: '1-0', key: 'k', ...hearing(one, two) }),
      ...joined('b', 'a'),
      ...joined('c', 'a'),
    },
  },
  {
    name: 'one that joins a task which has ended, and is held for a time, brings nothing',
    seed: (s) => s.ended('a', 'succeeded', 'value', { key: 'k' }).holdsKey('a', 60_000),
    args: sent(to('b', 'key', 'k', ...hears(one))),
    answer: [0, 1, 'a succeeded'],
    keyspace: joined('b', 'a'),
  },
  {
    name: 'again: they go to the one that waits, not to the holder',
    seed: holder,
    args: sent(
      to('b', 'key', 'k', 'again', 1, ...hears(one)),
      to('c', 'key', 'k', 'again', 1, ...hears(two)),
    ),
    answer: [1, 2, 'b waiting'],
    keyspace: {
      'task:a': hash({ entry: '1-0', key: 'k', next: 'b' }),
      'task:b': hash({
        ...{ entry: 'waiting/normal', call: callOf('c'), created: '<now>', key: 'k' },
        ...hearing(one, two),
      }),
      ...joined('c', 'b'),
    },
    again: { answer: [0, 2, 'b waiting'] },
  },
  {
    name: 'where a hundred hear of a task, a call that would bring another is not accepted; one that brings none of its own joins',
    seed: (s) => letHear(holder(s), 'a', ...many),
    args: sent(to('b', 'key', 'k', ...hears(one)), to('c', 'key', 'k', ...hears(many[7]!))),
    answer: [0, 1, 'crowded a', 2, 'a running'],
    keyspace: joined('c', 'a'),
  },
  {
    name: 'of a batch that is accepted as a whole nothing is, then; also where its calls are too many together',
    seed: (s) => {
      letHear(holder(s), 'a', ...many)
      letHear(s.scheduled('x', 30_000, { record: { key: 'j' } }), 'x', ...many.slice(1)).command(
        'SET',
        'P:key:j',
        'x',
      )
    },
    args: together(
      to('b', 'key', 'k', ...hears(one)),
      to('c', 'key', 'j', ...hears(one)),
      to('d', 'key', 'j', ...hears(two)),
      to('e'),
    ),
    answer: [0, 1, 'crowded a', 3, 'crowded x'],
  },
  {
    name: 'and where the first of its calls is the holder; or one waits for the end of the holder',
    seed: (s) => {
      holder(s).waiting('f', 'a')
      letHear(s, 'f', ...many)
    },
    args: together(
      to('b', 'key', 'new', ...hears(...many)),
      to('c', 'key', 'new', ...hears(one)),
      to('d', 'key', 'k', 'again', 1, ...hears(one)),
      to('e', 'key', 'k', ...hears(one)),
    ),
    answer: [0, 2, 'crowded b', 3, 'crowded f'],
  },
  {
    name: 'one with a limit waits in its line, and says so when it begins',
    seed: (s) =>
      s.limit('L', '1 0 0', { busy: ['z'] }).running('z', 'w1', { record: { limit: 'L 1 0 0', tied: '1' } }),
    args: sent(to('a', 'line', 'L', 'slots', 1, ...hears(one))),
    answer: 1,
    keyspace: {
      'task:a': hash({
        ...{
          entry: 'line/normal',
          call: callOf('a'),
          created: '<now>',
          limit: 'L 1 0 0',
          line: '0000000002',
        },
        ...hearing(one),
      }),
      'line:normal': zset({ 'L 0000000002 a': '0' }),
      'limit:L': hash({ numbers: '1 0 0', last: '2' }),
      resting: zset({ L: '<now+60s>' }),
    },
    published: { control: ['due 60000'] },
    again: { answer: 0 },
  },
]

for (const [name, test] of table('enqueue', rows)) it(name, test)

it('the packed form that these tables expect is that of a short list', () => {
  // As cmsgpack writes it: a list of three, a string of six bytes, one of four, an empty one.
  if (packedHearer(['normal', 'call', '']) !== '\x93\xa6normal\xa4call\xa0') throw new Error('it is not')
})
