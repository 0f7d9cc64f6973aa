/** redrive: what has failed, expired or been cancelled runs again, as if for the first time. */

import { it } from 'node:test'
import { frame } from '../../../lib/redis/frame.ts'
import { callOf, hash, lane, zset } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const rows: Row[] = [
  {
    name: 'a failed task becomes the last of its lane with its error kept, and is no dead letter any more',
    seed: (s) => s.failed('a', 1).failed('b', 2).queued('c'),
    args: ['a'],
    answer: ['retried'],
    keyspace: {
      'task:a': hash({ entry: 'e1', created: '9', errors: '1 200 error of a' }),
      failed: zset({ b: '2' }),
      'stream:normal': lane('0-0', { '1-0': 'c', e1: 'a' }),
    },
    again: { answer: ['alive'] },
  },
  {
    name: 'all that was counted begins anew; its times, and the worker’s word, are gone',
    seed: (s) =>
      s
        .ended('a', 'failed', 'last', {
          ...{ entry: 'low/9-0', created: '50', end: 'f 3 100 200 w1' },
          ...{ attempt: '2', failures: '2', crashes: '1', crashed: 'w9', left: 'low/8-0', cancel: 'why' },
          ...{ expires: '60', deadline: '70', unknown: 'add', begin: '80', next: 'x' },
          ...{ progress: '10 %', version: '4294967296', home: 'low' },
        })
        .command('HSET', 'P:task:a', 'errors', frame([1, 100, 'first', 2, 150, 'second'])),
    args: ['a'],
    answer: ['retried'],
    keyspace: {
      'task:a': hash({
        ...{ entry: 'low/e1', created: '50', home: 'low' },
        errors: '1 100 first | 2 150 second | 3 200 last',
      }),
      'stream:low': lane('0-0', { e1: 'a' }),
    },
    again: { answer: ['alive'] },
  },
  {
    name: 'what hears of its progress goes on hearing, with new ids; the entry says that there is somebody',
    seed: (s) =>
      s.ended('a', 'failed', 'error', {
        ...{ created: '50', tied: '1', hears: '1', 'hear:0': 'packed', 'told:0': '3', heard: '4294967299' },
      }),
    args: ['a'],
    answer: ['retried'],
    keyspace: {
      'task:a': again('e1', { tied: '1', hears: '1', 'hear:0': 'packed', 'told:0': '3' }),
      'stream:normal': lane('0-0', { e1: ['a', callOf('a'), 'hears', '1'] }),
    },
    again: { answer: ['alive'] },
  },
  {
    name: 'one that waits behind another, with a value of its own, keeps that',
    seed: (s) =>
      s.queued('x').ended('a', 'failed', 'error', {
        ...{ created: '50', after: 'x', policy: 'b', inputs: '1', 'in:0': 'sown', tied: '1' },
      }),
    args: ['a'],
    answer: ['retried'],
    keyspace: {
      'task:x': hash({ entry: '1-0', tied: '1' }),
      'task:a': hash({
        ...{ entry: 'waiting/normal', created: '50', after: 'x', policy: 'b', needs: '1' },
        ...{ inputs: '1', 'in:0': 'sown', tied: '1', errors: '1 200 error', call: callOf('a') },
      }),
      'deps:x': hash({ a: '0' }),
    },
    again: { answer: ['alive'] },
  },
  {
    name: 'one that came back from a worker by lane first goes to its own lane, others into that where they were',
    seed: (s) =>
      s
        .ended('a', 'failed', 'error', { entry: 'first/9-0', home: 'high', created: '50' })
        .ended('b', 'failed', 'error', { entry: 'first/8-0', created: '50' })
        .ended('c', 'failed', 'error', { entry: 'parked/low', created: '50' })
        .ended('d', 'cancelled', 'error', { entry: 'scheduled/normal', created: '50' })
        .ended('e', 'expired', 'error', { entry: 'front/first', created: '50' }),
    args: ['a', 'b', 'c', 'd', 'e'],
    answer: ['retried', 'retried', 'retried', 'retried', 'retried'],
    keyspace: {
      'task:a': again('high/e1', { home: 'high' }),
      'task:b': again('first/e1'),
      'task:c': again('low/e1'),
      'task:d': again('e1'),
      'task:e': again('first/e2'),
      'stream:first': lane('0-0', { e1: 'b', e2: 'e' }),
      'stream:high': lane('0-0', { e1: 'a' }),
      'stream:normal': lane('0-0', { e1: 'd' }),
      'stream:low': lane('0-0', { e1: 'c' }),
    },
    again: { answer: ['alive', 'alive', 'alive', 'alive', 'alive'] },
  },
  {
    name: 'it takes its key again, where that is free or its own',
    seed: (s) =>
      s
        .ended('a', 'failed', 'error', { key: 'k', created: '50' })
        .holdsKey('a', 60_000)
        .ended('b', 'failed', 'error', { key: 'j', created: '50' })
        .ended('c', 'failed', 'error', { key: 'i', created: '50' })
        .ended('x', 'succeeded', 'value', { key: 'i' })
        .command('SET', 'P:key:i', 'x', 'PX', 60_000),
    args: ['a', 'b', 'c'],
    answer: ['retried', 'retried', 'retried'],
    keyspace: {
      'task:a': again('e1', { key: 'k' }),
      'task:b': again('e2', { key: 'j' }),
      'task:c': again('e3', { key: 'i' }),
      'key:k': { string: 'a' },
      'key:j': { string: 'b' },
      'key:i': { string: 'c' },
      'stream:normal': lane('0-0', { e1: 'a', e2: 'b', e3: 'c' }),
    },
    again: { answer: ['alive', 'alive', 'alive'] },
  },
  {
    name: 'where another task holds its key it stays as it is',
    seed: (s) =>
      s
        .ended('a', 'failed', 'error', { key: 'k' })
        .queued('b', { record: { key: 'k' } })
        .holdsKey('b'),
    args: ['a'],
    answer: ['key'],
  },
  {
    name: 'what has not ended, has succeeded, has no call any more, or is unknown is not run again',
    seed: (s) =>
      s
        .queued('a')
        .ended('b', 'succeeded', 'value')
        .ended('c', 'failed', 'error', { call: '' })
        .command('SET', 'P:task:d', 'junk')
        .record('e', { note: 'junk' }),
    args: ['a', 'b', 'c', 'd', 'e', 'f'],
    answer: ['alive', 'succeeded', 'empty', 'none', 'none', 'none'],
  },
  { name: 'nothing to run again is nothing done', args: [], answer: [] },
  {
    name: 'at maxmemory tasks run again',
    full: true,
    seed: (s) => s.ended('a', 'failed', 'error', { created: '50' }),
    args: ['a'],
    answer: ['retried'],
    keyspace: { 'task:a': again('e1'), 'stream:normal': lane('0-0', { e1: 'a' }) },
    again: { answer: ['alive'] },
  },
  {
    name: 'one that waited waits again for those that run, or run again; what the others gave it has',
    seed: (s) =>
      s
        .failed('a', 1)
        .ended('x', 'succeeded', 'value of x')
        .ended('b', 'failed', 'error of b', {
          ...{ entry: 'waiting/low', created: '50', after: 'a x gone', policy: 'f', needs: '1', inputs: '3' },
          ...{ tied: '1', flow: 'f', 'in:2': 'sold' },
        })
        .command('HSET', 'P:releasing', 'a', 'f 1'),
    args: ['a', 'b'],
    answer: ['retried', 'retried'],
    keyspace: {
      'task:a': hash({ entry: 'e1', created: '9', errors: '1 200 error of a', tied: '1' }),
      'task:b': hash({
        ...{ entry: 'waiting/low', created: '50', after: 'a x gone', policy: 'f', needs: '1', inputs: '3' },
        ...{ tied: '1', flow: 'f', 'in:1': 'svalue of x', 'in:2': 'sold' },
        ...{ errors: '1 200 error of b', call: callOf('b') },
      }),
      'deps:a': hash({ b: '0' }),
      'flow:f': hash({ b: 'a x gone', open: '1' }),
      failed: null,
      releasing: null,
      'stream:normal': lane('0-0', { e1: 'a' }),
    },
    again: { answer: ['alive', 'alive'] },
  },
  {
    name: 'one whose parent has failed still is told so by promote; one that takes what is gone stays as it is',
    seed: (s) =>
      s
        .failed('a', 1)
        .ended('b', 'failed', 'error of b', {
          entry: 'waiting/normal',
          created: '50',
          after: 'a',
          policy: 'f',
        })
        .ended('c', 'failed', 'error of c', { after: 'gone', policy: 'f', inputs: '1' }),
    args: ['b', 'c'],
    answer: ['retried', 'empty'],
    keyspace: {
      'task:a': hash({ entry: '9-0', end: 'f 1 100 200 w1', call: callOf('a'), error: 'error of a' }),
      'task:b': hash({
        ...{ entry: 'waiting/normal', created: '50', after: 'a', policy: 'f', needs: '1' },
        ...{ errors: '1 200 error of b', call: callOf('b') },
      }),
      'deps:a': hash({ b: '0' }),
      releasing: hash({ a: 'f <now+60s>' }),
    },
    published: { control: ['due 0'] },
    again: { answer: ['alive', 'empty'] },
  },
]

function again(entry: string, fields: Record<string, string> = {}) {
  return hash({ entry, created: '50', errors: '1 200 error', ...fields })
}

for (const [name, test] of table('redrive', rows)) it(name, test)
