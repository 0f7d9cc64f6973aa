/** outbox and brought: letters for other queues are claimed by one worker at a time, and stay until they have arrived. */

import { describe, it } from 'node:test'
import { callOf, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'
import type { Seed } from '../../support/seed.ts'

const away = (fields: Record<string, string> = {}) => ({
  ...{ entry: 'away/low', call: callOf('a'), to: 'other', trip: '1' },
  ...fields,
})
/** A letter that may be claimed since a second. */
const letter = (s: Seed, text: string, due = -1_000): Seed => s.command('ZADD', 'P:outbox', s.now + due, text)
const NONE = '-1'

const claimed: Row[] = [
  {
    name: 'a call comes with what is to be made there, and nobody else gets it for a while',
    seed: (s) =>
      letter(s.record('a', { ...away({ back: '1', inputs: '2' }), created: s.at(0) }), 'call other a 1'),
    args: [10, 20_000],
    answer: [
      '<20s>',
      ['call other a 1', 'call', 'other', 'a', '1', '<0s>', 'low', '\x90', callOf('a'), '2', '1'],
    ],
    keyspace: { outbox: zset({ 'call other a 1': '<now+20s>' }) },
    again: { answer: ['<20s>'] },
  },
  {
    name: 'an end and a word of cancelling are what they say; of several those that are due, the first ones first',
    seed: (s) => {
      letter(s, 'end other a 1 s the value', -3_000)
      letter(s, 'cancel other b why not', -2_000)
      letter(s, 'cancel other c later', 20_000)
    },
    args: [10, 30_000],
    answer: [
      '<20s>',
      ['end other a 1 s the value', 'end', 'other', 'a', '1 s the value', '<0s>'],
      ['cancel other b why not', 'cancel', 'other', 'b', 'why not', '<0s>'],
    ],
    keyspace: {
      outbox: zset({
        'end other a 1 s the value': '<now+30s>',
        'cancel other b why not': '<now+30s>',
        'cancel other c later': '<now+20s>',
      }),
    },
    again: { answer: ['<20s>'] },
  },
  {
    name: 'what has become pointless is dropped: ended, of an earlier trip, for another queue, gone, of no shape',
    seed: (s) => {
      s.record('a', away({ end: 'c 0 0 1 ' }))
        .record('b', away({ trip: '2' }))
        .record('c', away())
      s.command('SET', 'P:task:e', 'junk')
      for (const text of [
        'call other a 1',
        'call other b 1',
        'call third c 1',
        'watch other d 0',
        'call other e 1',
        'junk',
      ]) {
        letter(s, text)
      }
      letter(s, 'steal other c 1')
    },
    args: [10, 30_000],
    answer: [NONE],
    keyspace: { outbox: null },
  },
  {
    name: 'nobody looks for a task whose call has not arrived',
    seed: (s) => letter(letter(s.record('a', away()), 'watch other a 1'), 'call other a 1', 20_000),
    args: [10, 30_000],
    answer: ['<20s>'],
    keyspace: { outbox: zset({ 'call other a 1': '<now+20s>' }) },
  },
  {
    name: 'a word of cancelling waits for a call that is on its way',
    seed: (s) => letter(letter(s.record('a', away()), 'cancel other a why'), 'call other a 1', 20_000),
    args: [10, 30_000],
    answer: ['<20s>'],
    keyspace: { outbox: zset({ 'call other a 1': '<now+20s>', 'cancel other a why': '<now+20s>' }) },
  },
  { name: 'none', args: [10, 30_000], answer: [NONE] },
  {
    name: 'no more than was asked for',
    seed: (s) => letter(letter(s, 'cancel other a x', -2_000), 'cancel other b x'),
    args: [1, 30_000],
    answer: ['<0s>', ['cancel other a x', 'cancel', 'other', 'a', 'x', '<0s>']],
    keyspace: { outbox: zset({ 'cancel other a x': '<now+30s>', 'cancel other b x': '<now>' }) },
    again: {
      answer: ['<30s>', ['cancel other b x', 'cancel', 'other', 'b', 'x', '<0s>']],
      keyspace: { outbox: zset({ 'cancel other a x': '<now+30s>', 'cancel other b x': '<now+30s>' }) },
    },
  },
]

/** Times in steps of 10 s: the answer's, and the age of each letter. */
function steps(answer: unknown): unknown {
  if (!Array.isArray(answer)) return answer
  const round = (ms: unknown): string => `<${Math.round(Number(ms) / 10_000) * 10}s>`
  const [wait, ...letters] = answer as [string, ...unknown[][]]
  const told = letters.map((item) => item.map((part, index) => (index === 5 ? round(part) : part)))
  return [wait === NONE ? NONE : round(wait), ...told]
}

describe('outbox', () => {
  for (const [name, test] of table('outbox', claimed, steps)) it(name, test)
})

const arrived: Row[] = [
  {
    name: 'letters that have arrived are gone; so is what stood for a task whose end nobody wants here',
    seed: (s) =>
      letter(
        letter(s.record('a', away()).record('b', away({ back: '1' })), 'call other a 1'),
        'call other b 1',
      ),
    args: ['call other a 1', 'call other b 1', 'cancel other c x'],
    answer: 2,
    keyspace: { outbox: null, 'task:a': null },
    again: { answer: 0 },
  },
  {
    name: 'it stays where it has ended, was made anew or is something else by now',
    seed: (s) => {
      s.record('a', away({ end: 'c 0 0 1 ' }))
        .record('b', away({ trip: '2' }))
        .queued('c')
      for (const id of ['a', 'b', 'c']) letter(s, `call other ${id} 1`)
    },
    args: ['call other a 1', 'call other b 1', 'call other c 1'],
    answer: 3,
    keyspace: { outbox: null },
    again: { answer: 0 },
  },
]

describe('brought', () => {
  for (const [name, test] of table('brought', arrived)) it(name, test)
})
