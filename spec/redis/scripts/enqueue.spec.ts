/** enqueue: accepts calls, all or none at maxmemory, each once however often it is sent. */

import { it } from 'node:test'
import type { FrameItem } from '../../../lib/redis/frame.ts'
import { callOf, hash, lane, short } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const a = ['normal', 'a', callOf('a')]
const b = ['normal', 'b', callOf('b')]
const c = ['normal', 'c', callOf('c')]
const d = ['normal', 'd', callOf('d')]
const big = 'x'.repeat(1_000_000)

const sent = (...calls: FrameItem[][]): FrameItem[] => ['0', ...calls.flat()]
const resent = (...calls: FrameItem[][]): FrameItem[] => ['1', ...calls.flat()]

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
    keyspace: { 'task:a': hash({ entry: 'e1' }), 'stream:normal': lane('0-0', { e1: 'a' }) },
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

const rows = [...fresh, ...again, large, ...either(['0'], 'sent once'), ...either(['1'], 'resent')]
for (const [name, test] of table('enqueue', rows)) it(name, test)
