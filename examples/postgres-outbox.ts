/**
 * An outbox with PostgreSQL: calls are rows, written in the database's own transaction, and a relay enqueues them. Whether
 * there is a call is decided by the database's commit. A relay that dies between enqueueing a row and deleting it finds the
 * row again: the repeat joins the task that has the row's id as its key, and is harmless.
 *
 *   terminal 1:  node --import tsx examples/postgres-outbox.ts worker
 *   terminal 2:  node --import tsx examples/postgres-outbox.ts relay        as many as you like
 *   terminal 3:  node --import tsx examples/postgres-outbox.ts test
 *
 * It needs the package pg, and a PostgreSQL 13 or newer, found by PGHOST, PGUSER and PGDATABASE as psql finds it.
 */

import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { EnqueueError, Queue, QueueFullError } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('postgres-outbox')
const db = new pg.Pool()

/** Longer than the relay may ever be away, ms: for so long a repeat joins the task, although that may have ended. */
const HELD = 3_600_000
/** Rows that one transaction of the relay takes. */
const PORTION = 100

/** Ids are random: numbers are given again after a restore, and a new row would join an old row's task. */
const TABLES = `
  SELECT pg_advisory_xact_lock(5471);
  CREATE TABLE IF NOT EXISTS orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), customer text, cents integer);
  CREATE TABLE IF NOT EXISTS bills (order_id uuid, customer text, cents integer);
  CREATE TABLE IF NOT EXISTS outbox (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    place bigint GENERATED ALWAYS AS IDENTITY,
    task text NOT NULL,
    args jsonb NOT NULL,
    problem text
  )`

/** A worker may die after the INSERT: where two bills would hurt, order_id is unique. */
export const bill = queue.task('bill', async (order: string, customer: string, cents: number) => {
  await db.query('INSERT INTO bills VALUES ($1, $2, $3)', [order, customer, cents])
})

/** Writes a call, whose arguments are JSON, in the transaction that this client is in. Answers the row's id. */
async function put<Args extends unknown[]>(
  client: pg.PoolClient,
  task: { readonly taskName: string; local(...args: Args): unknown },
  ...args: Args
): Promise<string> {
  const insert = 'INSERT INTO outbox (task, args) VALUES ($1, $2) RETURNING id'
  const { rows } = await client.query<{ id: string }>(insert, [task.taskName, JSON.stringify(args)])
  await client.query('NOTIFY outbox') // heard when it commits
  return rows[0]!.id
}

async function inTransaction<R>(work: (client: pg.PoolClient) => Promise<R>): Promise<R> {
  const client = await db.connect()
  try {
    await client.query('BEGIN')
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {}) // a connection that is lost has rolled back
    throw error
  } finally {
    client.release()
  }
}

/** An order and the call for its bill: both, or neither. */
const order = (customer: string, cents: number) =>
  inTransaction(async (client) => {
    const insert = 'INSERT INTO orders (customer, cents) VALUES ($1, $2) RETURNING id'
    const { rows } = await client.query<{ id: string }>(insert, [customer, cents])
    const row = await put(client, bill, rows[0]!.id, customer, cents)
    if (cents < 0) throw new RangeError('nobody owes less than nothing')
    return { id: rows[0]!.id, row }
  })

/** Enqueues what is in the outbox, some rows at a time, and deletes what Redis has accepted. How many those were. */
async function relaySome(): Promise<number> {
  return await inTransaction(async (client) => {
    // What another relay has at hand is passed over; if that one dies, its rows are free again.
    const { rows } = await client.query<{ id: string; task: string; args: unknown[] }>(
      `SELECT id, task, args FROM outbox WHERE problem IS NULL ORDER BY place LIMIT ${PORTION} FOR UPDATE SKIP LOCKED`,
    )
    const accepted: string[] = []
    const refused: { id: string; problem: string }[] = []
    const enqueue = async ({ id, task, args }: (typeof rows)[number]): Promise<void> => {
      try {
        const call = queue.remote<(...args: unknown[]) => unknown>(task).with({ key: id, keyTtl: HELD })
        await call(...args).enqueued
        accepted.push(id)
      } catch (error) {
        // Redis is away or the queue is full: it stays for the next time. All else is wrong with the row.
        if (error instanceof EnqueueError || error instanceof QueueFullError) return
        refused.push({ id, problem: String(error) })
      }
    }
    await Promise.all(rows.map(enqueue))
    await client.query('DELETE FROM outbox WHERE id = ANY($1)', [accepted])
    for (const { id, problem } of refused)
      await client.query('UPDATE outbox SET problem = $2 WHERE id = $1', [id, problem])
    return accepted.length
  })
}

/** Until the signal aborts. Rejects when the database goes: whoever started it starts it again. */
async function relay(stop: AbortSignal): Promise<void> {
  const ears = await db.connect()
  let news = new AbortController()
  ears.on('notification', () => news.abort())
  await ears.query('LISTEN outbox')
  console.log('relay ready')
  while (!stop.aborted) {
    news = new AbortController()
    // A word may be lost with its connection: without any it looks again after a second.
    if ((await relaySome()) === 0)
      await delay(1_000, undefined, { signal: AbortSignal.any([news.signal, stop]) }).catch(() => {})
  }
  ears.release()
}

const count = async (query: string, id: string): Promise<number> =>
  Number((await db.query<{ n: string }>(`SELECT count(*) AS n FROM ${query}`, [id])).rows[0]!.n)

async function isRelayed(row: string): Promise<void> {
  while ((await count('outbox WHERE id = $1', row)) > 0) await delay(50)
}

const mode = process.argv[2] ?? ''
if (['worker', 'relay', 'test'].includes(mode)) await db.query(TABLES)
if (mode === 'worker') {
  await queue.run()
} else if (mode === 'relay') {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  await relay(stop.signal)
} else if (mode === 'test') {
  const { id, row } = await order('ann', 200)
  while ((await count('bills WHERE order_id = $1', id)) === 0) await delay(50)
  console.log('ann owes 200')

  const refused = await order('bob', -1).catch((error) => error)
  console.log(`rolled back, and the call with it: ${refused.message}`)

  // As after a crash between the enqueueing and the delete: the row is there again.
  await isRelayed(row)
  const again = 'INSERT INTO outbox (id, task, args) VALUES ($1, $2, $3)'
  await db.query(again, [row, 'bill', JSON.stringify([id, 'ann', 200])])
  await isRelayed(row)
  const third = bill.with({ key: row, keyTtl: HELD })(id, 'ann', 200)
  await third.enqueued
  console.log(`one more joins: ${third.joined}; bills: ${await count('bills WHERE order_id = $1', id)}`)
} else {
  console.log('usage: node --import tsx examples/postgres-outbox.ts worker | relay | test')
  process.exitCode = 2
}
await queue.close()
await db.end()
