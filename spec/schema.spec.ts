/** Schemas at the call, at the worker's door and in `local`, with zod, with valibot, and with one made by hand. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as v from 'valibot'
import { z } from 'zod'
import {
  MillraceError,
  OptionError,
  SchemaError,
  type StandardSchemaV1,
  type TaskFailedError,
} from '../lib/index.ts'
import { decodeError, encodeError } from '../lib/remote-error.ts'
import { type Fresh, freshQueues, gate, rejection } from './support/fresh.ts'

const scene = freshQueues()
const { fresh } = scene

/** Adds a mark each time that it runs. */
const marked = z.object({ to: z.string().transform((text) => `${text}!`), copies: z.number().default(1) })
const strict = z.object({ to: z.email(), items: z.array(z.object({ price: z.number() })).default([]) })

/** What a caller without the schema sends. */
const unchecked = (s: Fresh, name: string) => s.other().remote<(input?: unknown) => unknown>(name)

const thrown = (call: () => unknown): SchemaError => {
  try {
    call()
  } catch (error) {
    assert.ok(error instanceof SchemaError, String(error))
    return error
  }
  return assert.fail('it should have thrown')
}

const failure = async (handle: { get(): Promise<unknown> }): Promise<SchemaError> => {
  const error = await rejection<TaskFailedError>(handle.get())
  assert.equal(error.code, 'ERR_MILLRACE_TASK_FAILED')
  return error.cause as SchemaError
}

/** By hand, as a library would. */
const schemaOf = <I, O = I>(
  validate: StandardSchemaV1<I, O>['~standard']['validate'],
): StandardSchemaV1<I, O> => ({ '~standard': { version: 1, vendor: 'spec', validate } })

describe('at the call', () => {
  test('what fits is sent as it was given, and transformed once, by the worker', async () => {
    await using s = fresh()
    const seen: unknown[] = []
    const send = s.queue.task(
      'send',
      (input) => {
        seen.push(input)
        return input.to
      },
      { input: marked },
    )
    await s.work()
    const handle = send({ to: 'ann' })
    assert.equal(await handle.get(), 'ann!')
    assert.deepEqual(seen, [{ to: 'ann!', copies: 1 }])
    assert.deepEqual((await handle.info())?.args, [{ to: 'ann' }])
    assert.equal(await send.with({ priority: 'high' })({ to: 'bob', copies: 2 }).get(), 'bob!')
  })

  test('what does not fit throws before anything is sent', async () => {
    await using s = fresh()
    const send = s.queue.task('send', () => {}, { input: strict })
    const bad = { to: 'nobody', items: [{ price: 1 }, { price: 'secret' }] } as never
    const error = thrown(() => send(bad))
    assert.equal(error.code, 'ERR_MILLRACE_SCHEMA')
    assert.ok(error instanceof MillraceError)
    assert.equal(error.where, 'input')
    assert.deepEqual(
      error.issues.map(({ path }) => path),
      [['to'], ['items', 1, 'price']],
    )
    assert.ok(error.issues.every((issue) => Object.keys(issue).join() === 'message,path'))
    assert.match(error.message, /^task "send": the input does not fit its schema: to: .+; items\.1\.price: /)
    assert.doesNotMatch(error.message, /secret|nobody/)
    thrown(() => send.with({ delay: 5 })(bad))
    thrown(() => s.queue.remote<typeof send>('send', { input: strict })(bad))
    assert.ok((await rejection(send.with({ key: 'k' }).ensure(bad))) instanceof SchemaError)
    assert.ok((await s.queue.counts()).queued === 0)
    assert.deepEqual(await scene.redis.client.keys(`${s.prefix}:record:*`), [])
    assert.deepEqual(await scene.redis.client.keys(`${s.prefix}:stream:*`), [])
  })

  test('valibot speaks it too; paths of it are objects', async () => {
    await using s = fresh()
    const input = v.object({ page: v.pipe(v.string(), v.transform(Number), v.minValue(1)) })
    const turn = s.queue.task('turn', ({ page }) => page + 1, { input })
    await s.work()
    assert.equal(await turn({ page: '4' }).get(), 5)
    const { issues } = thrown(() => turn({ page: '0' }))
    assert.deepEqual(issues, [{ message: issues[0]!.message, path: ['page'] }])
  })

  test('an asynchronous schema is refused, unless the worker alone is to check', async () => {
    await using s = fresh()
    const known = z.string().refine(async (name) => name === 'ann', 'nobody knows them')
    const greet = s.queue.task('greet', (name) => `hello ${name}`, { input: known })
    assert.throws(
      () => greet('ann'),
      /^OptionError: task greet: its input schema answered with a promise .*validateCalls: false/,
    )
    assert.throws(() => greet('bob'), OptionError)
    const broken = schemaOf<string>(() => Promise.reject(new Error('of nobody')))
    assert.throws(() => s.queue.remote<typeof greet>('greet', { input: broken })('ann'), OptionError)
    const later = s.queue.task('later', (name) => `hello ${name}`, { input: known, validateCalls: false })
    await s.work()
    assert.equal(await later('ann').get(), 'hello ann')
    assert.deepEqual((await failure(later('bob'))).issues, [{ message: 'nobody knows them', path: [] }])
  })

  test('a schema is of one argument: further ones are not sent', async () => {
    await using s = fresh()
    const double = s.queue.task('double', (n) => 2 * n, { input: z.number(), unique: true })
    await s.work()
    const handles = [1, 2, 3].map(double)
    assert.deepEqual(await Promise.all(handles.map((handle) => handle.get())), [2, 4, 6])
    assert.deepEqual((await handles[0]!.info())?.args, [1])
    const [first] = [4].map(double.find)
    assert.equal((await first!).state, 'none')
    const optional = s.queue.task('optional', (n) => n, { input: z.number().default(5) })
    assert.equal(await optional().get(), 5)
  })
})

describe("at the worker's door", () => {
  test('what does not fit fails without another attempt, and its issues arrive', async () => {
    await using s = fresh()
    let ran = 0
    s.queue.task('send', () => ++ran, { input: strict, retries: 3, backoff: 1, retryIf: () => true })
    await s.work()
    for (const call of [unchecked(s, 'send'), unchecked(s, 'send').with({ retries: 3 })]) {
      const handle = call({ to: 'ann@example.org', items: [{ price: '5' }] })
      const error = await failure(handle)
      assert.deepEqual([error.name, error.code, error.where], ['SchemaError', 'ERR_MILLRACE_SCHEMA', 'input'])
      assert.deepEqual(error.issues, [{ message: error.issues[0]!.message, path: ['items', 0, 'price'] }])
      assert.match(error.issues[0]!.message, /expected number/)
      const info = await handle.info()
      assert.deepEqual([info?.state, info?.attempt], ['failed', 1])
    }
    assert.equal((await failure(unchecked(s, 'send')())).where, 'input')
    assert.equal(ran, 0)
  })

  test('what a schema makes of the result is what arrives', async () => {
    await using s = fresh()
    const output = z.object({ id: z.string().transform(Number) })
    const find = s.queue.task('find', async (id: string, extra: number) => ({ id, extra }), { output })
    const sync = s.queue.task('sync', (id: string) => ({ id }), { output })
    const nothing = s.queue.task('nothing', () => {}, { output: z.void() })
    await s.work()
    assert.deepEqual(await find('7', 1).get(), { id: 7 })
    assert.deepEqual(await sync('8').get(), { id: 8 })
    assert.equal(await nothing().get(), undefined)
  })

  test('a result that does not fit fails without another attempt', async () => {
    await using s = fresh()
    let ran = 0
    const count = s.queue.task('count', async () => ++ran as unknown as string, {
      ...{ output: z.string(), retries: 3, backoff: 1 },
    })
    await s.work()
    const error = await failure(count())
    assert.equal(error.where, 'output')
    assert.match(error.message, /^task "count": the output does not fit its schema: Invalid input/)
    assert.equal(ran, 1)
  })

  test('schemas may take their time, before and after', async () => {
    await using s = fresh()
    const input = v.pipeAsync(
      v.string(),
      v.transformAsync(async (text) => text.length),
    )
    const output = v.pipeAsync(
      v.number(),
      v.checkAsync(async (n) => n > 1, 'too short'),
      v.transformAsync(async (n) => BigInt(n)),
    )
    const measure = s.queue.task('measure', (n) => n, { input, output, validateCalls: false })
    await s.work()
    assert.equal(await measure('abc').get(), 3n)
    assert.deepEqual((await failure(measure('a'))).issues, [{ message: 'too short', path: [] }])
  })

  test('what a schema throws is an error like any of the handler, and tried again', async () => {
    await using s = fresh()
    const tries = { sync: 0, later: 0 }
    const sync = schemaOf<number>((value) => {
      if (++tries.sync < 2) throw new Error('the database is away')
      return { value: value as number }
    })
    const later = schemaOf<number>(async (value) => {
      if (++tries.later < 3) throw new Error('still')
      return { value: value as number }
    })
    const add = s.queue.task('add', (n) => n + 1, {
      ...{ input: sync, output: later, validateCalls: false, retries: 3, backoff: 1 },
    })
    await s.work()
    assert.equal(await add(1).get(), 2)
    assert.deepEqual(tries, { sync: 4, later: 3 })
  })

  test('of a call that a handler makes with a bad argument the handler may try again', async () => {
    await using s = fresh()
    const child = s.queue.task('child', (n) => n, { input: z.number() })
    let ran = 0
    const parent = s.queue.task('parent', () => child(++ran > 1 ? ran : ('one' as never)).get(), {
      ...{ retries: 1, backoff: 1 },
    })
    await s.work()
    assert.equal(await parent().get(), 2)
  })

  test('a handler does not begin when its time was over while its argument was checked', async () => {
    await using s = fresh()
    const { passed, open } = gate()
    let ran = 0
    const input = schemaOf<string>(async (value) => {
      await passed
      return { value: value as string }
    })
    const slow = s.queue.task('slow', () => ++ran, { input, validateCalls: false, timeout: 20 })
    await s.work({ abortGrace: 1 })
    const error = await rejection<TaskFailedError>(slow('x').get())
    assert.equal((error.cause as Error & { code: string }).code, 'ERR_MILLRACE_TASK_TIMEOUT')
    open()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(ran, 0)
  })
})

describe('local', () => {
  test('checks and transforms as a worker does, and answers a promise', async () => {
    await using s = fresh()
    const output = schemaOf<string, number>(async (value) => ({ value: (value as string).length }))
    const send = s.queue.task('send', (input) => input.to.repeat(input.copies), { input: marked, output })
    assert.equal(await send.local({ to: 'ann', copies: 2 }), 8)
    const promise = send.local({ to: 5 as never })
    const error = await rejection<SchemaError>(promise)
    assert.ok(error instanceof SchemaError)
    assert.deepEqual([error.where, error.issues[0]!.path], ['input', ['to']])
    const wrong = s.queue.task('wrong', () => 5 as unknown as string, { output: z.string() })
    assert.equal((await rejection<SchemaError>(wrong.local())).where, 'output')
    const plain = s.queue.task('plain', (n: number) => n + 1)
    assert.equal(plain.local(1), 2, 'without schemas at once')
  })
})

describe('options', () => {
  test('a schema is one that speaks the standard', async () => {
    await using s = fresh()
    const old = { parse: () => {} }
    const next = { '~standard': { version: 2, vendor: 'x', validate: () => {} } }
    for (const one of [5, 'string', null, Number, {}, old, next, { '~standard': null }]) {
      const wrong = one as unknown as StandardSchemaV1
      assert.throws(() => s.queue.task('t', () => {}, { input: wrong }), {
        name: 'OptionError',
        message: /^task t: input must be a Standard Schema, as of zod/,
      })
      assert.throws(() => s.queue.task('t', () => {}, { output: wrong }), /^OptionError: task t: output must/)
      assert.throws(
        () => s.queue.remote('t', { input: wrong as never }),
        /^OptionError: remote t: input must/,
      )
    }
    // arktype's are functions.
    const callable = Object.assign(
      () => {},
      schemaOf<string>((value) => ({ value: value as string })),
    )
    s.queue.task('t', () => {}, { input: callable })
  })

  test('are of the definition, and have to make sense', async () => {
    await using s = fresh()
    const of = (options: object) => () => s.queue.task('t', () => {}, options)
    assert.throws(of({ validateCalls: false }), /validateCalls: false is about `input`/)
    assert.throws(of({ input: z.string(), validateCalls: 1 }), /validateCalls must be true or false/)
    const task = s.queue.task('t', () => {})
    assert.throws(() => task.with({ input: z.string() } as never), /unknown option "input"/)
    assert.throws(() => s.queue.remote('t', { output: z.string() } as never), /unknown option "output"/)
    assert.throws(() => s.queue.remote('t', 5 as never), /options must be an object/)
    assert.throws(() => s.queue.task('u', () => {}, null as never), /options must be an object/)
  })
})

describe('issues', () => {
  test('are bounded, and keep what can be read of them', () => {
    const path = [
      'a',
      { key: 3 },
      Symbol('s'),
      {},
      'x'.repeat(500),
      ...Array.from({ length: 60 }, () => 'deep'),
    ]
    const odd = [{ message: 'm'.repeat(5_000), path }, null, 'text', { message: 5, path: 'no' }] as never[]
    const many = Array.from({ length: 50 }, () => ({ message: 'one of many' }))
    const schema = schemaOf<string>(() => ({ issues: [...odd, ...many] }))
    const s = fresh()
    const { issues, message } = thrown(() => s.queue.task('t', () => {}, { input: schema })('x'))
    assert.equal(issues.length, 32)
    assert.equal(issues[0]!.message.length, 1_000)
    assert.deepEqual(issues[0]!.path.slice(0, 4), ['a', 3, 'Symbol(s)', '?'])
    assert.deepEqual([issues[0]!.path.length, (issues[0]!.path[4] as string).length], [32, 128])
    assert.deepEqual(issues[3], { message: 'does not fit', path: [] })
    assert.match(message, /; and more$/)
  })

  test('cross from process to process as often as it takes', () => {
    const error = new SchemaError('t', 'output', [{ message: 'too short', path: ['a', 0] }])
    let crossed: unknown = error
    for (let i = 0; i < 3; i++) crossed = decodeError(encodeError(crossed))
    const { name, code, message, where, issues } = crossed as SchemaError
    assert.deepEqual([name, code, where], ['SchemaError', 'ERR_MILLRACE_SCHEMA', 'output'])
    assert.equal(message, 'task "t": the output does not fit its schema: a.0: too short')
    assert.deepEqual(issues, [{ message: 'too short', path: ['a', 0] }])
    const foreign = Object.assign(new Error('not ours'), { issues: [{ message: 'm', input: 'secret' }] })
    assert.equal((decodeError(encodeError(foreign)) as SchemaError).issues, undefined)
  })
})
