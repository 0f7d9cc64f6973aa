/** order: a worker, or all that are registered now, are told to be quiet or to stop; it stands in the registration. */

import { it } from 'node:test'
import { hash } from '../../support/keyspace.ts'
import { type Row, table } from '../../support/script-table.ts'

const DAY = '86400 s'
const since = '<now-600s>'
const told = (order: string) => hash({ since, order }, DAY)

const rows: Row[] = [
  {
    name: 'one worker is told, and no other; twice is as once, but for the word',
    seed: (s) => s.worker('w1').worker('w2'),
    args: ['quiet', 'w1'],
    answer: 1,
    published: { control: ['order w1'] },
    keyspace: { 'worker:w1': told('quiet') },
    again: { published: { control: ['order w1'] } },
  },
  {
    name: 'all that are registered are told by one word, also one whose lease is just over',
    seed: (s) => s.worker('w1').worker('w2').expired('w3').command('HSET', 'P:settings', 'paused', '1'),
    args: ['stop', ''],
    answer: 3,
    published: { control: ['order'] },
    keyspace: { 'worker:w1': told('stop'), 'worker:w2': told('stop'), 'worker:w3': told('stop') },
    again: { published: { control: ['order'] } },
  },
  {
    name: 'who is quiet is told to stop',
    seed: (s) => s.worker('w1').command('HSET', 'P:worker:w1', 'order', 'quiet'),
    args: ['stop', 'w1'],
    answer: 1,
    published: { control: ['order w1'] },
    keyspace: { 'worker:w1': told('stop') },
    again: { published: { control: ['order w1'] } },
  },
  {
    name: 'who was told to stop stays told so',
    seed: (s) => s.worker('w1').command('HSET', 'P:worker:w1', 'order', 'stop').worker('w2'),
    args: ['quiet', ''],
    answer: 2,
    published: { control: ['order'] },
    keyspace: { 'worker:w2': told('quiet') },
    again: { published: { control: ['order'] } },
  },
  {
    name: 'who was declared dead, has left or was never there is not told, and no registration is made',
    seed: (s) => s.markedDead('w1').command('ZADD', 'P:workers', s.now + 60_000, 'w2'),
    args: ['stop', ''],
    answer: 0,
  },
  { name: 'nor is one that is named', seed: (s) => s.markedDead('w1'), args: ['stop', 'w1'], answer: 0 },
  { name: 'where nobody is registered nobody is told', bare: true, args: ['stop', ''], answer: 0 },
  {
    name: 'at maxmemory a worker is told',
    full: true,
    seed: (s) => s.worker('w1'),
    args: ['stop', 'w1'],
    answer: 1,
    published: { control: ['order w1'] },
    keyspace: { 'worker:w1': told('stop') },
    again: { published: { control: ['order w1'] } },
  },
]

for (const [name, test] of table('order', rows)) it(name, test)
