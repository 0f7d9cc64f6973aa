/** An inline queue: what it does by itself, beyond what spec/conformance.spec.ts compares with Redis. */

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { spawn } from 'node:child_process'
import diagnostics from 'node:diagnostics_channel'
import { describe, mock, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { currentTask, OptionError, Queue, QueueClosedError, type QueueOptions } from '../lib/index.ts'
import { InlineAdmin, withRefusals } from '../lib/inline/admin.ts'
import { Agenda } from '../lib/inline/agenda.ts'
import { LOADER } from './support/loader.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

function inline(options: QueueOptions = {}) {
  return new Queue('here', { ...options, inline: true })
}

const rejection = (promise: Promise<unknown>): Promise<Error & Record<string, unknown>> =>
  promise.then(
    () => assert.fail('it should have rejected'),
    (error) => error,
  )

/** A process of its own; answers its exit code and what it printed. */
async function run(code: string, signal?: { name: NodeJS.Signals; when: string }) {
  const script = `import { Queue, currentTask } from ${JSON.stringify(import.meta.resolve('../lib/index.ts'))}
    import { setTimeout as delay } from 'node:timers/promises'
    const queue = new Queue('here', { inline: true })
    ${code}`
  const args = [...LOADER, '--input-type=module', '-e', script]
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    const before = output
    output += chunk
    if (signal && output.includes(signal.when) && !before.includes(signal.when)) child.kill(signal.name)
  })
  const end = await new Promise((resolve) => child.on('close', (status, by) => resolve(by ?? status)))
  return { end, output }
}

describe('an inline queue', () => {
  test('opens no connection, whatever is done with it', async () => {
    const sockets: unknown[] = []
    const note = (message: unknown): void => void sockets.push(message)
    diagnostics.subscribe('net.client.socket', note)
    try {
      await using queue = inline()
      const add = queue.task('add', (a: number, b: number) => a + b, { key: 'k', retries: 1 })
      const handle = add(1, 2)
      assert.equal(await handle.get(), 3)
      for await (const _ of add(1, 2).progress());
      await Promise.all([queue.counts(), handle.info(), add.find(1, 2), queue.pause(), queue.resume()])
      await Promise.all([queue.tasks({ state: 'failed' }), queue.failures(), queue.clear('failed')])
      await queue.handle('no-such-task').cancel()
      await add.with({ delay: 5 }).ensure(1, 2)
      await queue.close()
    } finally {
      diagnostics.unsubscribe('net.client.socket', note)
    }
    assert.deepEqual(sockets, [])
  })

  test('is refused with a Redis, and with anything that is not true or false', () => {
    assert.throws(() => new Queue('q', { inline: true, redis: 'redis://127.0.0.1:1' }), {
      name: 'OptionError',
      message: 'Queue: inline and redis exclude each other',
    })
    assert.throws(() => new Queue('q', { inline: 'yes' as never }), /inline must be true or false/)
    assert.throws(() => new Queue('q', { inline: true, maxQueued: 0 }), OptionError)
  })

  test('needs no worker, and says so', async () => {
    await using queue = inline()
    assert.throws(() => queue.worker(), { code: 'ERR_MILLRACE_OPTION', message: /runs its calls without/ })
  })

  test('says of a verb that it has not that it has it not', async () => {
    const admin = withRefusals(new InlineAdmin(null as never, null as never)) as unknown as {
      shrink(): Promise<void>
    }
    await assert.rejects(admin.shrink(), {
      code: 'ERR_MILLRACE_OPTION',
      message: '"shrink" is not for inline queues: it needs Redis',
    })
  })

  test('begins a call once its caller has the handle, not before', async () => {
    await using queue = inline()
    const order: string[] = []
    const note = queue.task('note', () => void order.push('ran'))
    const handle = note()
    order.push('called')
    await handle.enqueued
    order.push('enqueued')
    await handle.get()
    assert.deepEqual(order, ['called', 'enqueued', 'ran'])
  })

  test('runs ten at once; an operator changes that, for all or by the id of its worker', async () => {
    await using queue = inline()
    let [running, most] = [0, 0]
    const busy = queue.task('busy', async () => {
      running += 1
      most = Math.max(most, running)
      await delay(5)
      running -= 1
    })
    const mostOf = async (calls: number): Promise<number> => {
      most = 0
      await Promise.all(Array.from({ length: calls }, () => busy().get()))
      return most
    }
    assert.equal(await mostOf(25), 10)
    const worker = (await queue.getTask((await called(busy())).id))?.worker as string
    assert.equal(await queue.setConcurrency('all', 3), true)
    assert.equal(await mostOf(10), 3)
    assert.equal(await queue.setConcurrency(worker, 2), true)
    assert.equal(await mostOf(10), 2)
    assert.equal(await queue.setConcurrency('another', 2), false)
    await queue.setConcurrency(worker, null)
    assert.equal(await mostOf(10), 3)
    await queue.setConcurrency('all', null)
    assert.equal(await mostOf(25), 10)
  })

  test('10,000 calls in one tick all come back right, and the event loop is not kept from anybody', async () => {
    await using queue = inline()
    const spin = queue.task('spin', (n: number) => {
      if (n % 100 === 0) for (const end = performance.now() + 2; performance.now() < end; );
      return n
    })
    const calls = Array.from({ length: 10_000 }, (_, n) => spin(n).get())
    let turns = 0
    const count = setInterval(() => {
      turns += 1
    }, 1)
    assert.deepEqual(
      await Promise.all(calls),
      calls.map((_, n) => n),
    )
    clearInterval(count)
    assert.ok(turns > 10, `${turns} turns`)
  })

  test('goes on however late the event loop is', async () => {
    let now = performance.now()
    mock.method(performance, 'now', () => {
      now += 10
      return now
    })
    try {
      await using queue = inline()
      const echo = queue.task('echo', (n: number) => n)
      const results = await Promise.all(Array.from({ length: 30 }, (_, n) => echo(n).get()))
      assert.equal(results.length, 30)
    } finally {
      mock.restoreAll()
    }
  })

  test('hands no async context from callers to handlers', async () => {
    await using queue = inline()
    const storage = new AsyncLocalStorage<string>()
    const look = queue.task('look', async () => [storage.getStore(), currentTask().name])
    const later = look.with({ delay: 5 })
    const results = await storage.run('of the caller', () => Promise.all([look().get(), later().get()]))
    assert.deepEqual(results, [
      [undefined, 'look'],
      [undefined, 'look'],
    ])
  })

  test('keeps calls of a name that is defined later', async () => {
    await using queue = inline()
    const handle = queue.remote<(n: number) => number>('double')(2)
    await handle.enqueued
    for (let i = 0; i < 3; i++) await new Promise(setImmediate)
    assert.equal((await handle.info())?.state, 'parked')
    queue.task('double', (n: number) => 2 * n)
    assert.equal(await handle.get(), 4)
  })

  test('keeps at most maxFailed failures', async () => {
    await using queue = inline({ maxFailed: 2 })
    const fail = queue.task('fail', (n: number) => {
      throw new Error(`no ${n}`)
    })
    for (const n of [1, 2, 3]) await rejection(fail(n).get())
    const failed = await queue.tasks({ state: 'failed' })
    assert.deepEqual(
      failed.map((info) => info.args?.[0]),
      [3, 2],
    )
    const { failed: kept, ended } = await queue.counts()
    assert.deepEqual([kept, ended.failed], [2, 3])
  })

  test('reports what nobody awaits', async () => {
    await using queue = inline({ maxQueued: 1 })
    const errors: Error[] = []
    queue.on('error', (error) => errors.push(error))
    const note = queue.task('note', () => {})
    await queue.pause()
    note()
    note()
    await new Promise(setImmediate)
    assert.deepEqual(
      errors.map((error) => (error as { code?: string }).code),
      ['ERR_MILLRACE_QUEUE_FULL'],
    )
  })

  test('waits for room where that is asked for', async () => {
    await using queue = inline({ maxQueued: 1, onFull: 'wait' })
    const echo = queue.task('echo', (n: number) => n)
    const results = [1, 2, 3].map((n) => echo(n).get())
    assert.deepEqual(await Promise.all(results), [1, 2, 3])
  })
})

describe('the end of an inline queue', () => {
  test('close runs what is in line and waits for what runs; what is due later rejects', async () => {
    const queue = inline()
    const ran: string[] = []
    const slow = queue.task('slow', async (what: string) => {
      await delay(20)
      ran.push(what)
      return what
    })
    await queue.setConcurrency('all', 1)
    const [first, second] = [slow('a').get(), slow('b').get()]
    const later = rejection(slow.with({ delay: 3_600_000 })('c').get())
    slow('d')
    const closed = queue.close()
    assert.throws(() => slow('e'), QueueClosedError)
    await closed
    assert.deepEqual([await first, await second, (await later).code], ['a', 'b', 'ERR_MILLRACE_QUEUE_CLOSED'])
    assert.deepEqual(ran, ['a', 'b', 'd'])
    await assert.rejects(queue.counts(), QueueClosedError)
    await queue.close()
  })

  test('nothing keeps the process alive, but what runs and what somebody waits for', async () => {
    const idle = await run(`
      const note = queue.task('note', (what) => console.log(what), { ttl: 3_600_000 })
      note('now')
      note.with({ delay: 3_600_000 })('in an hour')
    `)
    assert.deepEqual(idle, { end: 0, output: 'now\n' })
    const awaited = await run(`
      const echo = queue.task('echo', (what) => what, { delay: 300 })
      console.log(await echo('later').get())
    `)
    assert.deepEqual(awaited, { end: 0, output: 'later\n' })
  })

  test('run works until a signal, drains, closes and resolves', async () => {
    const { end, output } = await run(
      `
      const inner = queue.task('inner', () => 'inner')
      const outer = queue.task('outer', async () => {
        console.log('runs')
        await delay(300)
        console.log(await inner().get())
      })
      outer()
      await queue.run({ concurrency: 2 })
      console.log('bye')
      `,
      { name: 'SIGTERM', when: 'runs' },
    )
    assert.deepEqual({ end, output }, { end: 0, output: 'runs\ninner\nbye\n' })
  })

  test('a handler that takes longer than the drain is aborted', async () => {
    const { end, output } = await run(
      `
      const stuck = queue.task('stuck', () => new Promise((resolve) => {
        const { signal } = currentTask()
        const keep = setInterval(() => {}, 1_000)
        signal.addEventListener('abort', () => {
          console.log(signal.reason.message)
          clearInterval(keep)
        })
        console.log('runs')
      }))
      const wait = stuck().get().catch((error) => console.log(error.code))
      await queue.run({ drainTimeout: 50 })
      await wait
      `,
      { name: 'SIGINT', when: 'runs' },
    )
    assert.deepEqual(
      { end, output },
      { end: 0, output: 'runs\nthe worker stops\nERR_MILLRACE_QUEUE_CLOSED\n' },
    )
  })
})

describe('its agenda', () => {
  test('does what is due in the order of the times, and of the adding where they are the same', () => {
    const agenda = new Agenda()
    const done: number[] = []
    const times = Array.from({ length: 500 }, (_, i) => (i * 7919) % 101)
    times.forEach((at, i) => {
      agenda.add(at, () => done.push(at * 1_000 + i))
    })
    assert.equal(agenda.next, 0)
    agenda.run(50)
    assert.equal(agenda.next, 51)
    agenda.run(1_000)
    assert.deepEqual(
      done,
      [...done].sort((a, b) => a - b),
    )
    assert.equal(done.length, 500)
    assert.equal(agenda.next, undefined)
  })

  test('does what becomes due by that, and nothing that was taken off', () => {
    const agenda = new Agenda()
    const done: string[] = []
    const off = agenda.add(3, () => done.push('off'))
    agenda.add(1, () => {
      done.push('first')
      agenda.add(2, () => done.push('then'))
      agenda.remove(off)
      agenda.remove(off)
    })
    agenda.run(5)
    assert.deepEqual(done, ['first', 'then'])
  })

  test('lets go of what was taken off', () => {
    const agenda = new Agenda()
    const done: number[] = []
    for (let i = 0; i < 10_000; i++) agenda.remove(agenda.add(1_000_000 + i, () => {}))
    agenda.add(2_000_000, () => done.push(1))
    assert.ok(agenda.size < 200, String(agenda.size))
    agenda.run(3_000_000)
    assert.deepEqual(done, [1])
  })
})

async function called<H extends { get(): Promise<unknown> }>(handle: H): Promise<H> {
  await handle.get()
  return handle
}
