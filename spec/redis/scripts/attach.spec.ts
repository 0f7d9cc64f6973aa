/** attach: how a task stands; and who joins an open one is told once how it goes on. */

import { it } from 'node:test'
import { hash, short } from '../../support/keyspace.ts'
import { table } from '../../support/script-table.ts'

const kib64 = 'x'.repeat(65_536)
const names = Array.from({ length: 256 }, (_, i) => `client-${i}`)

const tests = table('attach', [
  {
    name: 'open tasks, ended ones and unknown ones, in the order of the question; nothing is written',
    seed: (s) =>
      s
        .running('running', 'w1', { record: { progress: '10 %', version: '7', clients: 'c2' } })
        .running('urgent', 'w1', { lane: 'first' })
        .queued('queued')
        .queued('later', { lane: 'low' })
        .ended('succeeded', 'succeeded', 'value')
        .ended('failed', 'failed', 'error'),
    args: [...['c1', 0, 'running', 'urgent', 'queued', 'later', 'unknown', 'succeeded', 'failed', 'running']],
    answer: [
      ...[['open', '10 %', '7'], ['open'], ['open'], ['open'], ['lost'], ['succeeded', 'value']],
      ...[
        ['failed', 'error'],
        ['open', '10 %', '7'],
      ],
    ],
  },
  {
    name: 'who joins is told of open tasks from now on, after those who joined before; joined twice, told once',
    seed: (s) => s.running('a', 'w1', { record: { clients: 'c2 c3' } }).queued('b'),
    args: ['c1', 1, 'a', 'b', 'b'],
    answer: [['open'], ['open'], ['open']],
    keyspace: {
      'task:a': hash({ entry: '1-0', clients: 'c2 c3 c1' }),
      'task:b': hash({ entry: '2-0', clients: 'c1' }),
    },
  },
  {
    name: 'nobody joins a task that has ended, is unknown, or is none of ours',
    seed: (s) =>
      s.ended('a', 'succeeded', 'value').command('SET', 'P:task:c', 'junk').record('d', { note: 'junk' }),
    args: ['c1', 1, 'a', 'b', 'c', 'd'],
    answer: [['succeeded', 'value'], ['lost'], ['lost'], ['lost']],
  },
  {
    name: 'a value of 64 KiB is sent along, of a larger one only the state',
    seed: (s) =>
      s
        .ended('a', 'succeeded', kib64)
        .ended('b', 'succeeded', `${kib64}x`)
        .ended('c', 'failed', `${kib64}x`)
        .ended('d', 'succeeded', ''),
    args: ['c1', 1, 'a', 'b', 'c', 'd'],
    answer: [['succeeded', short(kib64)], ['succeeded'], ['failed'], ['succeeded', '']],
  },
  {
    name: 'past 256 clients the one that joined first is left out',
    seed: (s) => s.queued('a', { record: { clients: names.join(' ') } }),
    args: ['c1', 1, 'a'],
    answer: [['open']],
    keyspace: {
      'task:a': hash({ entry: '1-0', clients: short([...names.slice(1), 'c1'].join(' ')) }),
    },
  },
  {
    name: 'one of 256 clients that joins again leaves nobody out',
    seed: (s) => s.queued('a', { record: { clients: names.join(' ') } }),
    args: ['client-0', 1, 'a'],
    answer: [['open']],
    keyspace: {
      'task:a': hash({ entry: '1-0', clients: short([...names.slice(1), 'client-0'].join(' ')) }),
    },
  },
  {
    name: 'a task whose entry was deleted by hand will never run: it is lost, and its record goes',
    seed: (s) =>
      s
        .running('running', 'w1')
        .queued('unread')
        .record('moved', { entry: 'low/7-0' })
        .record('old', { entry: '7-0' })
        .record('odd', { entry: 'nowhere' })
        .command('XDEL', 'P:stream:normal', '1-0')
        .command('XDEL', 'P:stream:normal', '2-0'),
    args: ['c1', 0, 'running', 'unread', 'moved', 'old', 'odd'],
    // A live worker still has it in its pending list, and may end it.
    answer: [['open'], ['lost'], ['lost'], ['lost'], ['lost']],
    keyspace: {
      'task:unread': hash({ entry: '2-0' }, '30 s'),
      'task:moved': hash({ entry: 'low/7-0' }, '30 s'),
      'task:old': hash({ entry: '7-0' }, '30 s'),
      'task:odd': hash({ entry: 'nowhere' }, '30 s'),
    },
  },
  { name: 'nothing asked is nothing answered', args: ['c1', 1], answer: [] },
  {
    name: 'at maxmemory a client may join',
    full: true,
    seed: (s) => s.queued('a'),
    args: ['c1', 1, 'a'],
    answer: [['open']],
    keyspace: { 'task:a': hash({ entry: '1-0', clients: 'c1' }) },
  },
])

for (const [name, test] of tests) it(name, test)
