/** unpark: what was parked for want of a worker that knows it is given to one that does, when it comes. */

import { it } from 'node:test'
import { callOf, hash, lane, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const rows: Row[] = [
  {
    name: 'parked tasks of these names go through lane first to this worker, and wait for their patience no more',
    seed: (s) =>
      s
        .worker('w1')
        .queued('z')
        .parked('a', 'add')
        .expiring('a', 60_000)
        .parked('b', 'mail', { lane: 'low', client: 'c1', more: { attempt: '1', failures: '1' } })
        .expiring('b', 50_000)
        .parked('c', 'other')
        .expiring('c', 40_000)
        .parked('d', 'mail', { lane: 'first' }),
    args: ['w1', 10, 'add', 'mail', 'nobody-calls-this'],
    answer: 3,
    keyspace: {
      'task:a': hash({ entry: 'first/e1', created: '50', home: 'normal' }),
      'task:b': hash({ entry: 'first/e2', created: '50', home: 'low', attempt: '1', failures: '1' }),
      'task:d': hash({ entry: 'first/e3', created: '50' }),
      parked: zset({ 'other/c': '0' }),
      expiring: zset({ c: '<now+40s>' }),
      'stream:first': lane(
        'e3',
        { e1: 'a', e2: ['b', callOf('b', 'c1'), 'attempt', '1', 'failures', '1'], e3: 'd' },
        { w1: ['e1', 'e2', 'e3'] },
      ),
    },
    again: { answer: 0 },
  },
  {
    name: 'one that had come to lane first before keeps its own lane',
    seed: (s) =>
      s.worker('w1').parked('a', 'add', { lane: 'low', record: { home: 'low', left: 'first/8-0' } }),
    args: ['w1', 10, 'add'],
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'first/e1', created: '50', home: 'low', left: 'first/8-0' }),
      parked: null,
      'stream:first': lane('e1', { e1: 'a' }, { w1: ['e1'] }),
    },
    again: { answer: 0 },
  },
  {
    name: 'names that begin alike are others',
    seed: (s) =>
      s
        .worker('w1')
        .parked('a', 'add')
        .parked('b', 'add-2')
        .parked('c', 'add.more')
        .parked('d', 'ad')
        .parked('e', 'add0')
        .parked('f', 'add:x'),
    args: ['w1', 10, 'add'],
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'first/e1', created: '50', home: 'normal' }),
      parked: zset({ 'add-2/b': '0', 'add.more/c': '0', 'ad/d': '0', 'add0/e': '0', 'add:x/f': '0' }),
      'stream:first': lane('e1', { e1: 'a' }, { w1: ['e1'] }),
    },
    again: { answer: 0 },
  },
  {
    name: 'a bounded number comes at once, all names together',
    seed: (s) => s.worker('w1').parked('a', 'add').parked('b', 'add').parked('c', 'mail'),
    args: ['w1', 2, 'mail', 'add'],
    answer: 2,
    keyspace: {
      'task:a': hash({ entry: 'first/e2', created: '50', home: 'normal' }),
      'task:c': hash({ entry: 'first/e1', created: '50', home: 'normal' }),
      parked: zset({ 'add/b': '0' }),
      'stream:first': lane('e2', { e1: 'c', e2: 'a' }, { w1: ['e1', 'e2'] }),
    },
    again: {
      answer: 1,
      keyspace: {
        'task:b': hash({ entry: 'first/e3', created: '50', home: 'normal' }),
        parked: null,
        'stream:first': lane('e3', { e1: 'c', e2: 'a', e3: 'b' }, { w1: ['e1', 'e2', 'e3'] }),
      },
    },
  },
  {
    name: 'what lay in lane first before comes along',
    seed: (s) => s.worker('w1').queued('z', { lane: 'first' }).parked('a', 'add'),
    args: ['w1', 10, 'add'],
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'first/e1', created: '50', home: 'normal' }),
      parked: null,
      'stream:first': lane('e1', { '1-0': 'z', e1: 'a' }, { w1: ['1-0', 'e1'] }),
    },
    again: { answer: 0 },
  },
  ...(['nobody', 'dead'] as const).map(
    (worker): Row => ({
      name: `nothing comes to a worker that is not registered: ${worker}`,
      seed: (s) => s.worker('w1').markedDead('dead').parked('a', 'add'),
      args: [worker, 10, 'add'],
      answer: 0,
    }),
  ),
  {
    name: 'its deadline counts again, and the workers hear of it',
    seed: (s) =>
      s
        .worker('w1')
        .parked('a', 'add', { record: { deadline: s.at(60_000) } })
        .expiring('a', 80_000),
    args: ['w1', 10, 'add'],
    answer: 1,
    published: { control: ['due 60000'] },
    keyspace: {
      'task:a': hash({ entry: 'first/e1', created: '50', home: 'normal', deadline: '<now+60s>' }),
      parked: null,
      expiring: zset({ a: '<now+60s>' }),
      'stream:first': lane('e1', { e1: ['a', callOf('a'), 'deadline', '<now+60s>'] }, { w1: ['e1'] }),
    },
    again: { answer: 0 },
  },
  {
    name: 'what is parked no more is passed over: ended, in line, without a record, a key of another type',
    seed: (s) =>
      s
        .worker('w1')
        .ended('a', 'failed', 'error', { entry: 'parked/normal' })
        .queued('b')
        .command('SET', 'P:task:d', 'junk')
        .record('e', { note: 'junk' })
        .command('ZADD', 'P:parked', 0, 'add/a', 0, 'add/b', 0, 'add/c', 0, 'add/d', 0, 'add/e')
        .parked('f', 'add'),
    args: ['w1', 10, 'add'],
    answer: 6,
    keyspace: {
      'task:f': hash({ entry: 'first/e1', created: '50', home: 'normal' }),
      parked: null,
      'stream:first': lane('e1', { e1: 'f' }, { w1: ['e1'] }),
    },
    again: { answer: 0 },
  },
  {
    name: 'a record without its call is passed over, and the others come',
    seed: (s) =>
      s
        .worker('w1')
        .record('a', { entry: 'parked/normal', created: '50', unknown: 'add' })
        .command('ZADD', 'P:parked', 0, 'add/a')
        .parked('b', 'add'),
    args: ['w1', 10, 'add'],
    answer: 2,
    keyspace: {
      'task:b': hash({ entry: 'first/e1', created: '50', home: 'normal' }),
      parked: null,
      'stream:first': lane('e1', { e1: 'b' }, { w1: ['e1'] }),
    },
    again: { answer: 0 },
  },
  {
    name: 'with nothing parked there is nothing to do',
    seed: (s) => s.worker('w1').queued('z', { lane: 'first' }),
    args: ['w1', 10, 'add', 'mail'],
    answer: 0,
  },
  {
    name: 'a worker that knows no tasks takes none',
    seed: (s) => s.worker('w1').parked('a', 'add'),
    args: ['w1', 10],
    answer: 0,
  },
  {
    name: 'before any worker has made the groups they are lined up',
    bare: true,
    seed: (s) => s.worker('w1').parked('a', 'add'),
    args: ['w1', 10, 'add'],
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'first/e1', created: '50', home: 'normal' }),
      parked: null,
      'stream:first': { entries: [['e1', 'a', callOf('a')]] },
    },
    again: { answer: 0 },
  },
  {
    name: 'at maxmemory tasks come',
    full: true,
    seed: (s) => s.worker('w1').parked('a', 'add'),
    args: ['w1', 10, 'add'],
    answer: 1,
    keyspace: {
      'task:a': hash({ entry: 'first/e1', created: '50', home: 'normal' }),
      parked: null,
      'stream:first': lane('e1', { e1: 'a' }, { w1: ['e1'] }),
    },
    again: { answer: 0 },
  },
]

for (const [name, test] of table('unpark', rows)) it(name, test)
