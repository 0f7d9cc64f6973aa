/**
 * The outbox of examples/postgres-outbox.ts on a real PostgreSQL, with a relay that is killed between the enqueueing and the
 * delete: no committed row is lost, and each is run once as long as its key is held.
 */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type pg from 'pg'
import { findPostgres, startPostgres, type TestPostgres } from './support/postgres.ts'
import { type Child, start } from './support/processes.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { until } from './support/until.ts'

const P = 'millrace:{postgres-outbox}'
const installed = findPostgres()
const why = typeof installed === 'string' ? installed : undefined

describe(why ? `the outbox (skipped: ${why})` : 'the outbox', { skip: why !== undefined }, () => {
  let postgres: TestPostgres
  let redis: TestRedis
  /** Lives through all tests: it is the relay that dies. */
  let worker: Child
  before(async () => {
    redis = await startRedis()
    postgres = await startPostgres(installed as Exclude<typeof installed, string>)
    worker = run('worker')
    // Then the tables are there.
    await until(
      'the worker to be registered',
      async () => (await redis.client.zcard(`${P}:workers`)) > 0,
      60_000,
    )
  })
  after(async () => {
    await worker?.[Symbol.asyncDispose]()
    await postgres?.[Symbol.asyncDispose]()
    await redis?.stop()
  })

  const run = (mode: string): Child =>
    start('examples/postgres-outbox.ts', { args: [mode], env: { REDIS_URL: redis.url, ...postgres.env } })
  const relay = async (): Promise<Child> => {
    const child = run('relay')
    await child.prints('relay ready', 60_000)
    return child
  }
  const kill = async (child: Child): Promise<void> => {
    child.signal('SIGKILL')
    assert.equal(await child.ended, 'SIGKILL')
  }
  const number = async (query: string, ...values: unknown[]): Promise<number> =>
    Number(
      (await postgres.pool.query<{ n: string }>(`SELECT count(*) AS n FROM ${query}`, values)).rows[0]!.n,
    )
  /** Rows with calls for new orders, or for the ones given; answers the orders. */
  const put = async (howMany: number, db: Pick<pg.Pool, 'query'> = postgres.pool): Promise<string[]> => {
    const orders = Array.from({ length: howMany }, () => randomUUID())
    const calls = orders.map((order) => JSON.stringify([order, 'ann', 200]))
    await db.query(`INSERT INTO outbox (task, args) SELECT 'bill', unnest($1::jsonb[])`, [calls])
    return orders
  }
  const isEmpty = (timeout?: number) =>
    until('the outbox to be empty', async () => (await number('outbox WHERE problem IS NULL')) === 0, timeout)
  const billed = (orders: readonly string[], timeout?: number) =>
    until(
      'all to be billed',
      async () => (await number('bills WHERE order_id = ANY($1)', orders)) >= orders.length,
      timeout,
    )
  /** Bills that each of these orders has, without repetition. */
  const bills = async (orders: readonly string[]): Promise<number[]> => {
    const query = 'SELECT count(*) AS n FROM bills WHERE order_id = ANY($1) GROUP BY order_id'
    const { rows } = await postgres.pool.query<{ n: string }>(query, [orders])
    assert.equal(rows.length, orders.length, 'each has one at least')
    return [...new Set(rows.map(({ n }) => Number(n)))]
  }
  /** Whatever was enqueued has ended. */
  const isQuiet = () =>
    until('no task to be open', async () => {
      const [entries, scheduled] = await Promise.all([
        redis.client.xlen(`${P}:stream:normal`),
        redis.client.zcard(`${P}:scheduled`),
      ])
      return entries + scheduled === 0
    })
  const records = async (): Promise<number> => (await redis.client.keys(`${P}:task:*`)).length

  test('runs as its first lines say', async () => {
    await using carrier = await relay()
    await using caller = run('test')
    assert.equal(await caller.ended, 0, caller.output)
    assert.equal(
      caller.output,
      'ann owes 200\nrolled back, and the call with it: nobody owes less than nothing\none more joins: true; bills: 1\n',
    )
    assert.deepEqual([await number('orders'), await number('bills'), await records()], [1, 1, 1])
    carrier.signal('SIGINT')
    assert.equal(await carrier.ended, 0, carrier.output)
  })

  test('kill -9 between the enqueueing and the delete: the rows are there again, and each runs once', async () => {
    const before = await records()
    const orders = await put(50)
    // Rows may be locked beside this one, but not deleted: the relay gets stuck where it is to be killed.
    await using lock = await postgres.pool.connect().then((client) => ({
      client,
      async [Symbol.asyncDispose]() {
        await client.query('ROLLBACK')
        client.release()
      },
    }))
    await lock.client.query('BEGIN; LOCK TABLE outbox IN SHARE MODE')
    const stuck = `pg_locks WHERE relation = 'outbox'::regclass AND mode = 'RowExclusiveLock' AND NOT granted`
    for (let kills = 0; kills < 3; kills++) {
      await using child = await relay()
      // All but the first find the rows locked until PostgreSQL has noticed that the one before is gone.
      if (kills > 0) await lock.client.query('COMMIT; BEGIN; LOCK TABLE outbox IN SHARE MODE')
      await until('the relay to delete in vain', async () => (await number(stuck)) === 1)
      await billed(orders)
      await kill(child)
      assert.equal(await number('outbox'), 50)
    }
    await lock.client.query('COMMIT')
    await using last = await relay()
    await isEmpty()
    await isQuiet()
    assert.deepEqual(await bills(orders), [1])
    assert.equal((await records()) - before, 50, 'each repeat has joined the task that there was')
    assert.doesNotMatch(last.output, /Error/)
  })

  test('kill -9 at random, with rows that are committed and rolled back meanwhile: each that was committed runs once', async () => {
    const orders: string[] = []
    const rolledBack: string[] = []
    let isOver = false
    const writing = (async () => {
      while (!isOver) {
        await until('room in the outbox', async () => isOver || (await number('outbox')) < 300, 60_000)
        const client = await postgres.pool.connect()
        await client.query('BEGIN')
        const some = await put(1 + Math.floor(Math.random() * 20), client)
        const isKept = Math.random() < 0.8
        await client.query(isKept ? 'NOTIFY outbox; COMMIT' : 'ROLLBACK')
        client.release()
        ;(isKept ? orders : rolledBack).push(...some)
      }
    })()
    for (let kills = 0; kills < 5; kills++) {
      await using child = await relay()
      const target = (await number('bills')) + Math.floor(Math.random() * 100)
      await until('some to be billed', async () => (await number('bills')) > target)
      await kill(child)
    }
    isOver = true
    await writing
    await using _relay = await relay()
    await isEmpty(60_000)
    await billed(orders, 60_000)
    await isQuiet()
    assert.deepEqual(await bills(orders), [1])
    assert.equal(await number('bills WHERE order_id = ANY($1)', rolledBack), 0)
  })

  test('a repeat after the key was let go runs again: that is the promise, and no more', async () => {
    await using _relay = await relay()
    const insert = `INSERT INTO outbox (id, task, args) VALUES ($1, 'bill', $2)`
    const [row, order] = [randomUUID(), randomUUID()]
    const again = async (): Promise<void> => {
      await postgres.pool.query(insert, [row, JSON.stringify([order, 'ann', 1])])
      await isEmpty()
      await isQuiet()
    }
    await again()
    await again()
    assert.deepEqual(await bills([order]), [1])
    assert.ok((await redis.client.pttl(`${P}:key:${row}`)) > 0, 'it is held, although its task has ended')
    await redis.client.del(`${P}:key:${row}`)
    await again()
    assert.deepEqual(await bills([order]), [2])
  })

  test('a row that can never be enqueued is marked, and holds up no other', async () => {
    await postgres.pool.query(`INSERT INTO outbox (task, args) VALUES ('no name', '[]')`)
    await using _relay = await relay()
    await billed(await put(3))
    await isEmpty()
    const { rows } = await postgres.pool.query<{ task: string; problem: string }>(
      'SELECT task, problem FROM outbox',
    )
    assert.deepEqual(
      rows.map(({ task }) => task),
      ['no name'],
    )
    assert.match(rows[0]!.problem, /^OptionError: task name must be/)
  })

  test('a worker that is told to end does so, and closes its connections', async () => {
    worker.signal('SIGINT')
    assert.equal(await worker.ended, 0, worker.output)
  })
})
