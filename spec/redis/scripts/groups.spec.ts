/** groups: every lane has a stream and a group that begins with its first entry. */

import { it } from 'node:test'
import { hash, lane } from '../../support/keyspace.ts'
import { table } from '../../support/script-table.ts'

const everyLane = {
  'stream:first': lane('0-0'),
  'stream:high': lane('0-0'),
  'stream:normal': lane('0-0'),
  'stream:low': lane('0-0'),
}

const tests = table('groups', [
  {
    name: 'streams and groups are made, once',
    bare: true,
    args: [],
    answer: 4,
    keyspace: everyLane,
    again: { answer: 0 },
  },
  {
    name: 'what is there stays as it is',
    seed: (s) => s.running('a', 'w1').queued('b'),
    args: [],
    answer: 0,
  },
  {
    name: 'a group begins with what was enqueued before it',
    bare: true,
    seed: (s) => s.queued('a'),
    args: [],
    answer: 4,
    keyspace: { ...everyLane, 'stream:normal': lane('0-0', { '1-0': 'a' }) },
    again: { answer: 0 },
  },
  {
    name: 'where tasks have ended before, a new group may deliver them again, and turns are told so',
    seed: (s) =>
      s
        .queued('a')
        .command('HSET', 'P:ended', 'succeeded', '1')
        .command('XGROUP', 'DESTROY', 'P:stream:normal', 'workers'),
    args: [],
    answer: 1,
    keyspace: { 'stream:normal': lane('0-0', { '1-0': 'a' }), settings: hash({ again: '1' }) },
    published: { control: ['void'] },
    again: { answer: 0 },
  },
  {
    name: 'where a key of another type is in the way, that is told',
    bare: true,
    seed: (s) => s.command('SET', 'P:stream:first', 'x'),
    args: [],
    refused: /WRONGTYPE/,
  },
  {
    name: 'at maxmemory a worker may begin',
    full: true,
    bare: true,
    args: [],
    answer: 4,
    keyspace: everyLane,
    again: { answer: 0 },
  },
])

for (const [name, test] of tests) it(name, test)
