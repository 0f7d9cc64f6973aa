/** What a worker tells while it works: its events of tasks, and the lines that a logger gets. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  DoNotRetry,
  type Logger,
  OptionError,
  Queue,
  type TaskEnd,
  type WorkerOptions,
} from '../../lib/index.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

let redis: TestRedis
before(async () => {
  redis = await startRedis()
})
after(() => redis.stop())

interface LogLine {
  level: string
  message: string
  [field: string]: unknown
}

function memory(): { lines: LogLine[]; logger: Logger } {
  const lines: LogLine[] = []
  const write = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, ...fields })
  }
  return {
    lines,
    logger: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
  }
}

let n = 0
function scene(options: WorkerOptions = {}) {
  n += 1
  const queue = new Queue(`log-${n}`, { redis: redis.url })
  const tasks = {
    fine: queue.task('fine', (secret: string) => secret.length),
    once: queue.task('once', fails(1), { retries: 1, backoff: 5 }),
    never: queue.task('never', () => {
      throw new DoNotRetry(new TypeError('no such thing'))
    }),
    late: queue.task('late', () => new Promise(() => {}), { timeout: 20 }),
    lost: queue.remote<() => void>('lost'),
  }
  const worker = queue.worker({ abortGrace: 0, ...options })
  return { queue, worker, ...tasks }
}

function fails(times: number): () => string {
  let left = times
  return () => {
    if (left-- > 0) throw new Error('not yet')
    return 'done'
  }
}

describe('events of a worker', () => {
  test('tell when an attempt begins and how it ended', async () => {
    const { queue, worker, fine, once, never, late, lost } = scene()
    const started: unknown[] = []
    const ended: TaskEnd[] = []
    worker.on('started', ({ name, attempt }) => started.push([name, attempt]))
    worker.on('ended', (task) => ended.push(task))
    void worker.run()
    await fine('abc').get()
    await once().get()
    await assert.rejects(never().get())
    await assert.rejects(late().get())
    const unknown = lost()
    await until('the unknown task to be parked', () => ended.some(({ state }) => state === 'parked'))
    await queue.close()
    assert.deepEqual(started, [
      ['fine', 1],
      ['once', 1],
      ['once', 2],
      ['never', 1],
      ['late', 1],
    ])
    assert.deepEqual(
      ended.map(({ name, attempt, state, delay, error }) => [name, attempt, state, delay, error?.message]),
      [
        ['fine', 1, 'succeeded', undefined, undefined],
        ['once', 1, 'retry', 5, 'not yet'],
        ['once', 2, 'succeeded', undefined, undefined],
        ['never', 1, 'failed', undefined, 'no such thing'],
        ['late', 1, 'failed', undefined, 'the attempt did not end within its timeout of 20 ms'],
        ['lost', 1, 'parked', undefined, undefined],
      ],
    )
    assert.ok(ended.every(({ id, ms }) => id.length > 0 && Number.isInteger(ms)))
    assert.equal(ended.at(-1)!.id, unknown.id)
  })

  test('whose listeners throw are reported, and the task succeeds', async () => {
    const { queue, worker, fine } = scene()
    const errors: string[] = []
    queue.on('error', ({ message }) => errors.push(message))
    worker.on('started', () => {
      throw new Error('a listener broke')
    })
    worker.on('ended', () => {
      throw new Error('another broke')
    })
    void worker.run()
    assert.equal(await fine('abc').get(), 3)
    await queue.close()
    assert.deepEqual(errors, ['a listener broke', 'another broke'])
  })
})

describe('a logger', () => {
  test('gets a line for all that happens, and no argument or result', async () => {
    const { lines, logger } = memory()
    const { queue, worker, fine, once, never } = scene({ logger })
    void worker.run()
    const { id } = fine('a secret')
    await queue.handle(id).get()
    await once().get()
    await assert.rejects(never().get())
    await queue.close()
    const says = lines.map(({ level, message, task }) => [level, task ?? '', message])
    assert.deepEqual(says, [
      ['info', '', 'worker ready'],
      ['debug', 'fine', 'task started'],
      ['info', 'fine', 'task succeeded'],
      ['debug', 'once', 'task started'],
      ['warn', 'once', 'task failed, another attempt follows'],
      ['debug', 'once', 'task started'],
      ['info', 'once', 'task succeeded'],
      ['debug', 'never', 'task started'],
      ['error', 'never', 'task failed'],
      ['info', '', 'worker stopped'],
    ])
    assert.deepEqual(
      { ...lines[2], ms: 0 },
      {
        ...{ level: 'info', message: 'task succeeded', queue: queue.name },
        ...{ task: 'fine', id, attempt: 1, ms: 0 },
      },
    )
    assert.ok(lines[8]!.err instanceof TypeError)
    assert.doesNotMatch(JSON.stringify(lines), /secret/)
  })

  test('gets the errors of its worker', async () => {
    const { lines, logger } = memory()
    const { queue, worker } = scene({ logger })
    worker.emit('error', new Error('something broke'))
    assert.deepEqual(
      lines.map(({ level, message }) => [level, message]),
      [['error', 'something broke']],
    )
    await queue.close()
  })

  test('that lacks a level is refused', () => {
    const { queue } = scene()
    assert.throws(
      () => queue.worker({ logger: { info: () => {} } as never }),
      (error: Error) =>
        error instanceof OptionError &&
        error.message ===
          'worker: logger must have the functions debug, info, warn, error (missing: debug, warn, error)',
    )
    return queue.close()
  })
})
