/** inputs: how the parents of tasks ended, for those that take it. */

import { it } from 'node:test'
import { table } from '../../support/script-table.ts'

const tests = table('inputs', [
  {
    name: 'of each task in the order of the question, and of its parents; what is not there is empty',
    seed: (s) =>
      s
        .running('a', 'w1', { record: { inputs: '2', 'in:0': 'sone', 'in:1': 'ftwo' } })
        .running('b', 'w1', { record: { inputs: '1', 'in:0': 's' } })
        .running('c', 'w1')
        .command('SET', 'P:task:d', 'junk'),
    args: ['b', 1, 'a', 2, 'c', 2, 'd', 1, 'nobody', 1],
    answer: [['s'], ['sone', 'ftwo'], ['', ''], [''], ['']],
  },
  {
    name: 'of one with many',
    seed: (s) =>
      s.record('a', Object.fromEntries(Array.from({ length: 1_101 }, (_, n) => [`in:${n}`, `s${n}`]))),
    args: ['a', 1_101],
    answer: [Array.from({ length: 1_101 }, (_, n) => `s${n}`)],
  },
])
for (const [name, test] of tests) it(name, test)
