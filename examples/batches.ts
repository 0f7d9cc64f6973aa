/**
 * Batches: calls that are handled together, and tasks that are acknowledged with a commit.
 *
 *   terminal 1:  node --import tsx examples/batches.ts worker
 *   terminal 2:  node --import tsx examples/batches.ts test
 */

import { type BatchCall, currentTask, Queue } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('batches')

/** One request to a search engine for up to 20 documents. Callers see an ordinary task. */
export const index = queue.batch(
  'index',
  async (calls: BatchCall<[document: string]>[]) => {
    console.log(`indexing ${calls.length} documents`)
    return calls.map(({ args: [document], attempt }) => {
      if (document === '') return new Error('an empty document') // of this one alone
      return `${document} is in a batch of ${calls.length}, attempt ${attempt}`
    })
  },
  { size: 20, linger: 100, retries: 1, backoff: 100 },
)

/** Stands for a transaction of a database: what was inserted is there when it is committed. */
const transaction: number[] = []
let committed = 0

/** A plain handler for each row; 20 of them are acknowledged with one commit. */
export const insert = queue.task(
  'insert',
  async (row: number) => {
    transaction.push(row)
    return `row ${row}, attempt ${currentTask().attempt}`
  },
  {
    ...{ commitEvery: 20, linger: 100, retries: 3, backoff: 100 },
    commit: async () => {
      const rows = transaction.splice(0)
      committed += 1
      if (committed === 1) throw new Error('the connection broke') // all of them are tried again
      console.log(`committed ${rows.length} rows`)
    },
  },
)

if (process.argv[2] === 'worker') {
  await queue.run({ concurrency: 2 })
} else if (process.argv[2] === 'test') {
  const documents = Array.from({ length: 45 }, (_, n) => `document ${n}`)
  const answers = await Promise.all(documents.map((document) => index(document).get({ timeout: 30_000 })))
  console.log(`indexed ${answers.length}: ${answers[0]}`)
  const empty = index('')
  await empty.get({ timeout: 30_000 }).catch((error) => console.log(`alone: ${error.cause.message}`))

  const rows = await Promise.all(documents.map((_, row) => insert(row).get({ timeout: 30_000 })))
  console.log(
    `inserted ${rows.length}: ${rows.some((row) => row.endsWith('attempt 2')) ? 'some twice' : 'all once'}`,
  )
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/batches.ts worker | test')
  process.exitCode = 2
}
