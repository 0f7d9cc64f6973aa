/** What the rules of docs/security.md keep each role from: Redis refuses all of it. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { rejection } from '../support/fresh.ts'
import { until } from '../support/until.ts'
import { documentedRules, ROLES, type Role, type Roles, startRoles } from './roles.ts'

const P = 'millrace:{orders}'
const OTHER = 'millrace:{payroll}'
const STREAM = `${P}:stream:normal`
/** As scripts are refused what they call, which is said in other words. */
const REFUSED = /^NOPERM|^ERR The user executing the script can't|^ERR ACL failure in script/

/** Words of commands; what stands in quotes after EVAL is one word. */
const EVERYBODY = [
  ...[
    'FLUSHALL',
    'FLUSHDB',
    'CONFIG GET *',
    'KEYS *',
    'SCAN 0',
    'MONITOR',
    'SHUTDOWN',
    'ACL LIST',
    'SLOWLOG GET',
  ],
  ...[
    'MODULE LIST',
    'FUNCTION LIST',
    'SAVE',
    'CLIENT LIST',
    'CLIENT KILL ID 1',
    'REPLICAOF NO ONE',
    'SCRIPT FLUSH',
  ],
  ...[
    'SCRIPT KILL',
    'SELECT 1',
    `RENAME ${P}:task:a ${P}:task:b`,
    `DUMP ${P}:task:a`,
    'SET any 1',
    'GET any',
  ],
  ...[`HGETALL ${OTHER}:task:a`, `XADD ${OTHER}:stream:normal * a b`, `XRANGE ${OTHER}:stream:normal - +`],
  ...[`PUBLISH ${OTHER}:control paused`, `SUBSCRIBE ${OTHER}:control`, 'PSUBSCRIBE *'],
  ...[`EVALSHA ${'f'.repeat(40)} 1 ${OTHER}`, `EVAL "return redis.call('HGETALL', '${OTHER}:task:a')" 0`],
  ...[
    `EVAL "return redis.call('FLUSHALL')" 0`,
    `EVAL "return redis.call('PUBLISH', '${OTHER}:control', 'x')" 0`,
  ],
]
const TAKING = [
  ...[`XREADGROUP GROUP workers me COUNT 1 STREAMS ${STREAM} >`, `XACK ${STREAM} workers 1-1`],
  `EVAL "return redis.call('XREADGROUP', 'GROUP', 'workers', 'me', 'STREAMS', '${STREAM}', '>')" 1 ${P}`,
  ...[`XCLAIM ${STREAM} workers me 0 1-1`, `XAUTOCLAIM ${STREAM} workers me 0 0`, `XTRIM ${STREAM} MAXLEN 0`],
  ...[`XGROUP DESTROY ${STREAM} workers`, `ZADD ${P}:workers 1 me`, `LPOP ${P}:front`],
]
const WRONG: Record<Role, string[]> = {
  producer: [
    ...[
      ...EVERYBODY,
      ...TAKING,
      `HSET ${P}:worker:a asked 1`,
      `ZRANGE ${P}:failed 0 -1`,
      `LRANGE ${P}:quarantine 0 -1`,
      'ZRANGE millrace:queues 0 -1',
    ],
  ],
  worker: [
    ...EVERYBODY,
    'ZRANGE millrace:queues 0 -1',
    `XGROUP DESTROY ${STREAM} workers`,
    `XGROUP SETID ${STREAM} workers $`,
  ],
  operator: [
    ...EVERYBODY,
    ...TAKING,
    `XDEL ${STREAM} 1-1`,
    `SUBSCRIBE ${P}:control`,
    `LRANGE ${P}:quarantine 0 -1`,
    `ZADD ${P}:workers 1 me`,
    'ZADD millrace:queues 1 mine',
  ],
}

let roles: Roles
before(async () => {
  roles = await startRoles()
})
after(() => roles[Symbol.asyncDispose]())

for (const role of ROLES) {
  test(`${role}: ${WRONG[role].length} commands that are not its own`, async () => {
    const client = roles.client(role)
    for (const line of WRONG[role]) {
      const words = Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), (match) => match[1] ?? match[2]!)
      const { message } = await rejection(client.call(words[0]!, ...words.slice(1)))
      assert.match(message, REFUSED, line)
    }
    assert.ok((await roles.refused()).length > 0)
  })

  test(`${role}: a queue of another namespace, refused at once and by a typed error`, async () => {
    const queue = roles.queue(role, { namespace: 'foreign' })
    const error = await rejection(queue.remote<(a: number) => void>('add')(1).enqueued)
    assert.deepEqual([error.code, error.accepted], ['ERR_MILLRACE_ENQUEUE', false])
    assert.match(error.message, /NOPERM/)
    const asked = await rejection(queue.counts())
    assert.deepEqual([asked.code, asked.executed], ['ERR_MILLRACE_REDIS_REPLY', false])
    assert.equal((await queue.health()).ok, false)
  })
}

test("a worker with a producer's rights cannot begin, and says why", async () => {
  const worker = roles.queue('producer').worker()
  const trouble = new Promise<Error>((resolve) => worker.once('error', resolve))
  void worker.run()
  assert.match((await trouble).message, REFUSED)
  await worker.stop()
})

test('a worker that may not read the records begins nothing, and drops nothing', async () => {
  const without = (words: string[]): string[] => words.filter((word) => word !== '+hmget')
  await using half = await startRoles((words) => (words[2] === 'orders-worker' ? without(words) : words))
  const call = half.queue('producer').remote<(a: number) => number>('add')
  const handles = [call(1), call.with({ delay: 1 })(2), call.with({ first: 'newest' })(3)]
  await Promise.all(handles.map((handle) => handle.enqueued))
  const queue = half.queue('worker')
  queue.task('add', (a: number) => a)
  const worker = queue.worker()
  const trouble = new Promise<Error>((resolve) => worker.once('error', resolve))
  void worker.run()
  assert.match((await trouble).message, REFUSED)
  await worker.stop()
  const rule = documentedRules().find((words) => words[2] === 'orders-worker')!
  await half.redis.client.call(rule[0]!, ...rule.slice(1))
  void queue.worker().run()
  assert.deepEqual(await Promise.all(handles.map((handle) => handle.get())), [1, 2, 3])
})

test('a worker that loses the right to read records while it runs drops nothing; it goes on when it has it again', async () => {
  await using half = await startRoles()
  const call = half.queue('producer').remote<(a: number) => number>('add')
  const queue = half.queue('worker')
  queue.task('add', (a: number) => a)
  const worker = await half.work(queue)
  assert.equal(await call(1).get(), 1)
  const right = (word: string) => half.redis.client.acl('SETUSER', 'orders-worker', word)
  await right('-hmget')
  const handles = [call(2), call.with({ delay: 1 })(3), call(4)]
  await until('it to be refused', async () => (await half.refused()).some((line) => line.includes('hmget')))
  await right('+hmget')
  assert.deepEqual(await Promise.all(handles.map((handle) => handle.get())), [2, 3, 4])
  assert.equal(await half.redis.client.llen(`${P}:quarantine`), 0)
  await worker.stop()
})
