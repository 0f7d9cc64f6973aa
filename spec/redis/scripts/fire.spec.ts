/** fire: slots that are due become tasks once, whoever tries it and however often, and the schedule moves on. */

import { it } from 'node:test'
import { hash, lane, zset } from '../../support/keyspace.ts'
import { CALL, howOf, schedule, scheduled } from '../../support/schedules.ts'
import { type Row, table } from '../../support/script-table.ts'

/** Of slot 1000, defined at 5; the next is 2000, due 300 later. */
const slot = (...run: number[]) => ['n', 5, 1_000, 2_000, 2_300, ...run]
const again = { answer: 'past' }
const moved = (last: string, more: Record<string, string | undefined> = {}) => ({
  'schedule:n': schedule({ slot: '2000', last, ran: '<now>', ...more }),
  slots: zset({ n: '2300' }),
})
const entries = (...ids: string[]) =>
  lane('0-0', Object.fromEntries(ids.map((id, index) => [`e${index + 1}`, [id, CALL]])))

const fired: Row[] = [
  {
    name: 'a slot that is due becomes a task, whose id is name and slot, and the schedule moves on',
    seed: (s) => scheduled(s, 'n'),
    args: slot(1_000),
    answer: 'done',
    keyspace: {
      ...moved('n:1000'),
      'task:n:1000': hash({ entry: 'e1' }),
      'stream:normal': entries('n:1000'),
    },
    again,
  },
  {
    name: 'several that were missed, in their order',
    seed: (s) => scheduled(s, 'n'),
    args: slot(1_000, 1_100, 1_200),
    answer: 'done',
    keyspace: {
      ...moved('n:1200'),
      'task:n:1000': hash({ entry: 'e1' }),
      'task:n:1100': hash({ entry: 'e2' }),
      'task:n:1200': hash({ entry: 'e3' }),
      'stream:normal': entries('n:1000', 'n:1100', 'n:1200'),
    },
    again,
  },
  {
    name: 'none, where what was missed is passed over: the schedule moves on all the same',
    seed: (s) => scheduled(s, 'n'),
    args: slot(),
    answer: 'done',
    keyspace: { 'schedule:n': schedule({ slot: '2000' }), slots: zset({ n: '2300' }) },
    again,
  },
  {
    name: 'the last one: no slot is left, and the schedule stays',
    seed: (s) => scheduled(s, 'n'),
    args: ['n', 5, 1_000, '', '', 1_000],
    answer: 'done',
    keyspace: {
      'schedule:n': schedule({ slot: undefined, last: 'n:1000', ran: '<now>' }),
      slots: zset({ n: 'inf' }),
      'task:n:1000': hash({ entry: 'e1' }),
      'stream:normal': entries('n:1000'),
    },
    again,
  },
  {
    name: 'what the call wants counts for each of its tasks: lane, key, times',
    seed: (s) => scheduled(s, 'n', { lane: 'low', how: howOf('ttl', '60000', 'key', 'k') }),
    args: slot(1_000),
    answer: 'done',
    keyspace: {
      ...moved('n:1000', { lane: 'low', how: howOf('ttl', '60000', 'key', 'k') }),
      'task:n:1000': hash({ entry: 'low/e1', expires: '<now+60s>', key: 'k' }),
      'key:k': { string: 'n:1000' },
      expiring: zset({ 'n:1000': '<now+60s>' }),
      'stream:low': lane('0-0', { e1: ['n:1000', CALL, 'expires', '<now+60s>'] }),
    },
    published: { control: ['due 60000'] },
    again,
  },
  {
    name: 'where its key is held the slot joins that task',
    seed: (s) =>
      scheduled(s, 'n', { how: howOf('key', 'k') })
        .queued('a', { record: { key: 'k' } })
        .holdsKey('a'),
    args: slot(1_000),
    answer: 'done',
    keyspace: {
      ...moved('a', { how: howOf('key', 'k') }),
      'joined:n:1000': { string: 'a', expires: '60 s' },
    },
    again,
  },
  {
    name: 'an id that is known is no new task, and the schedule moves on',
    seed: (s) => scheduled(s, 'n').ended('n:1000', 'succeeded', 'value'),
    args: slot(1_000),
    answer: 'done',
    keyspace: moved('n:1000'),
    again,
  },
]

const refused: Row[] = [
  {
    name: 'of another slot than the schedule is at: nothing',
    seed: (s) => scheduled(s, 'n', { slot: '2000' }, 2_000),
    args: slot(1_000),
    answer: 'past',
  },
  {
    name: 'by a definition that is not the one any more: nothing',
    seed: (s) => scheduled(s, 'n', { since: '6' }),
    args: slot(1_000),
    answer: 'past',
  },
  {
    name: 'one that is paused: nothing',
    seed: (s) => scheduled(s, 'n', { paused: '1' }, 'inf'),
    args: slot(1_000),
    answer: 'past',
  },
  {
    name: 'one that is over: nothing',
    seed: (s) => scheduled(s, 'n', { slot: undefined }, 'inf'),
    args: slot(1_000),
    answer: 'past',
  },
  {
    name: 'one that there is not, or without a call',
    seed: (s) => s.command('ZADD', 'P:slots', 1_000, 'n'),
    args: slot(1_000),
    answer: 'none',
  },
  {
    name: 'at maxmemory it is refused, and the slot stays',
    full: true,
    seed: (s) => scheduled(s, 'n'),
    args: slot(1_000),
    refused: /OOM/,
  },
  {
    name: 'wishes that are no list: refused before anything is written',
    seed: (s) => scheduled(s, 'n', { how: 'junk' }),
    args: slot(1_000),
    refused: /ReplyError/,
  },
  {
    name: 'a lane that there is not: refused before anything is written',
    seed: (s) => scheduled(s, 'n', { lane: 'x' }),
    args: slot(1_000),
    refused: /a lane that there is not/,
  },
  {
    name: 'a key of another type',
    seed: (s) => s.command('SET', 'P:schedule:n', 'junk'),
    args: slot(1_000),
    refused: /WRONGTYPE/,
  },
]

const skips = { overlap: 'skip', last: 'n:900' }
const passed = { 'schedule:n': schedule({ ...skips, slot: '2000' }), slots: zset({ n: '2300' }) }
const overlap: Row[] = [
  {
    name: 'while the task before waits, the slot is passed over',
    seed: (s) => scheduled(s, 'n', skips).queued('n:900'),
    args: slot(1_000),
    answer: 'done',
    keyspace: passed,
    again,
  },
  {
    name: 'the same while it runs',
    seed: (s) => scheduled(s, 'n', skips).running('n:900', 'w1'),
    args: slot(1_000),
    answer: 'done',
    keyspace: passed,
    again,
  },
  {
    name: 'the same while it waits for another attempt',
    seed: (s) => scheduled(s, 'n', skips).scheduled('n:900', 30_000),
    args: slot(1_000),
    answer: 'done',
    keyspace: passed,
    again,
  },
  {
    name: 'not once it has ended',
    seed: (s) => scheduled(s, 'n', skips).ended('n:900', 'failed', 'error'),
    args: slot(1_000),
    answer: 'done',
    keyspace: {
      ...moved('n:1000', { overlap: 'skip' }),
      'task:n:1000': hash({ entry: 'e1' }),
      'stream:normal': entries('n:1000'),
    },
    again,
  },
  {
    name: 'nor where nothing is left of it, and of several only the first becomes a task',
    seed: (s) => scheduled(s, 'n', skips),
    args: slot(1_000, 1_100),
    answer: 'done',
    keyspace: {
      ...moved('n:1000', { overlap: 'skip' }),
      'task:n:1000': hash({ entry: 'e1' }),
      'stream:normal': entries('n:1000'),
    },
    again,
  },
  {
    name: 'nor where its entry was deleted by hand',
    seed: (s) => scheduled(s, 'n', skips).record('n:900', { entry: '7-0' }),
    args: slot(1_000),
    answer: 'done',
    keyspace: {
      ...moved('n:1000', { overlap: 'skip' }),
      'task:n:1000': hash({ entry: 'e1' }),
      'stream:normal': entries('n:1000'),
    },
    again,
  },
]

const now: Row[] = [
  {
    name: 'a run now is a task of its own; the slot stays',
    seed: (s) => scheduled(s, 'n'),
    args: ['n', 'now', 'x'],
    answer: 'done',
    keyspace: {
      'schedule:n': schedule({ last: 'x', ran: '<now>' }),
      'task:x': hash({ entry: 'e1' }),
      'stream:normal': entries('x'),
    },
  },
  {
    name: 'also of one that is paused, and while the task before runs',
    seed: (s) => scheduled(s, 'n', { ...skips, paused: '1' }, 'inf').queued('n:900'),
    args: ['n', 'now', 'x'],
    answer: 'done',
    keyspace: {
      'schedule:n': schedule({ ...skips, paused: '1', last: 'x', ran: '<now>' }),
      'task:x': hash({ entry: 'e1' }),
      'stream:normal': lane('0-0', { '1-0': 'n:900', e1: ['x', CALL] }),
    },
  },
  { name: 'of one that there is not: none', args: ['n', 'now', 'x'], answer: 'none' },
]

for (const [name, test] of table('fire', [...fired, ...refused, ...overlap, ...now])) it(name, test)
