/**
 * What the compiler promises to users. `tsc -p tsconfig.json` is what checks this file: a line under `@ts-expect-error`
 * that compiles is an error there. Nothing of it runs: the functions are never called.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import * as v from 'valibot'
import { z } from 'zod'
import {
  type BatchCall,
  chain,
  chainOf,
  chord,
  currentTask,
  type DefinitionOptions,
  type EnqueuedCall,
  type Flow,
  type FlowHandle,
  group,
  type PreparedCall,
  type PreparedStep,
  Queue,
  type RemoteTask,
  type Task,
  type TaskContext,
  type TaskFailure,
  TaskHandle,
} from '../lib/index.ts'

/** True where A and B are the same type, and not only assignable to each other. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <_Same extends true>(): void => {}

function define() {
  const queue = new Queue('types')
  const fib = queue.task('fib', (n: number): bigint => BigInt(n), { resultTtl: 1000 })
  const send = queue.task('send', async (to: string, options?: { html: boolean }) => `${to} ${options?.html}`)
  const sum = queue.task(function sum(...numbers: number[]) {
    return numbers.length
  })
  const nothing = queue.task('nothing', () => {})
  const pair = queue.task('pair', (...both: [first: string, second?: number]) => both)
  const either = queue.task('either', (flag: boolean): Promise<number> | string => {
    return flag ? Promise.resolve(1) : 'text'
  })
  return { queue, fib, send, sum, nothing, pair, either }
}
type Tasks = ReturnType<typeof define>

export function aTaskTakesItsHandlersArguments({ fib, send, sum, pair, nothing }: Tasks): void {
  same<Equal<typeof fib, Task<[n: number], bigint>>>()
  same<Equal<Parameters<typeof fib>, [n: number]>>()
  same<Equal<Parameters<typeof send>, [to: string, options?: { html: boolean } | undefined]>>()
  same<Equal<Parameters<typeof sum>, number[]>>()
  same<Equal<Parameters<typeof pair>, [first: string, second?: number]>>()
  same<Equal<Parameters<typeof nothing>, []>>()
  fib(1)
  send('a')
  send('a', { html: true })
  sum()
  sum(1, 2, 3)
  pair('a')
  // @ts-expect-error: a string is no number
  fib('x')
  // @ts-expect-error: an argument is missing
  fib()
  // @ts-expect-error: there is one argument
  fib(1, 2)
  // @ts-expect-error: html is missing
  send('a', {})
  // @ts-expect-error: not all are numbers
  sum(1, '2')
  // @ts-expect-error: it takes none
  nothing(1)
  // @ts-expect-error: a promise of the argument is not the argument
  fib(Promise.resolve(1))
}

export async function getGivesTheAwaitedResult({ fib, send, nothing, either, pair }: Tasks): Promise<void> {
  same<Equal<ReturnType<typeof fib>, TaskHandle<bigint>>>()
  same<Equal<ReturnType<typeof send>, TaskHandle<string>>>()
  const value = await fib(1).get()
  same<Equal<typeof value, bigint>>()
  const text = await send('a').get({ timeout: 5, signal: AbortSignal.timeout(5) })
  same<Equal<typeof text, string>>()
  const none = await nothing().get()
  same<Equal<typeof none, void>>()
  const any = await either(true).get()
  same<Equal<typeof any, string | number>>()
  const both = await pair('a').get()
  same<Equal<typeof both, [first: string, second?: number]>>()
  // @ts-expect-error: the result is a bigint
  const wrong: number = await fib(1).get()
  // @ts-expect-error: there is no such option
  await fib(1).get({ timeOut: 5 })
  return void wrong
}

export async function aHandleIsNotThenable({ fib }: Tasks): Promise<void> {
  same<Equal<Awaited<TaskHandle<bigint>>, TaskHandle<bigint>>>()
  const handle = await fib(1)
  same<Equal<typeof handle, TaskHandle<bigint>>>()
  same<Equal<typeof handle.id, string>>()
  same<Equal<typeof handle.enqueued, Promise<void>>>()
  // @ts-expect-error: it has no then
  handle.then()
}

export async function aGeneratorGivesChunksAndAResult({ queue, fib }: Tasks): Promise<void> {
  const count = queue.task('count', async function* (n: number) {
    for (let i = 0; i < n; i++) yield { i }
    return n > 5 ? 'many' : undefined
  })
  same<Equal<ReturnType<typeof count>, TaskHandle<'many' | undefined, { i: number }>>>()
  const handle = count(5)
  for await (const chunk of handle.stream()) same<Equal<typeof chunk, { i: number }>>()
  const end = await handle.get()
  same<Equal<typeof end, 'many' | undefined>>()
  same<Equal<ReturnType<typeof count.local>, AsyncGenerator<{ i: number }, 'many' | undefined, unknown>>>()
  const far = queue.remote<typeof count>('count')
  same<Equal<typeof far, typeof count>>()
  const sync = queue.task('sync', function* (n: number): Generator<number, Date> {
    yield n
    return new Date(n)
  })
  same<Equal<ReturnType<typeof sync>, TaskHandle<Date, number>>>()
  const promised = queue.task('promised', async (n: number) => count.local(n))
  same<Equal<ReturnType<typeof promised>, ReturnType<typeof count>>>()
  const checked = queue.task('checked', (user) => count.local(user.name.length), { input: userInput })
  same<Equal<ReturnType<typeof checked>, ReturnType<typeof count>>>()
  const stream = queue.handle<Date, string>('id').stream({ onGap: (missed) => missed, onRestart: 'continue' })
  same<Equal<typeof stream, AsyncGenerator<string, void, void>>>()
  queue.task('bounded', count.local, { streamBuffer: 5, onStreamFull: 'drop', streamPatience: 5 })
  for await (const chunk of fib(1).stream()) same<Equal<typeof chunk, unknown>>()
  const anyHandle: TaskHandle = handle
  // @ts-expect-error: there is no such answer
  anyHandle.stream({ onGap: 'ignore' })
  // @ts-expect-error: those are of the definition
  count.with({ streamBuffer: 5 })
}

export function localGivesWhatTheHandlerGives({ fib, send, either, queue }: Tasks): void {
  const value = fib.local(1)
  same<Equal<typeof value, bigint>>()
  const promise = send.local('a')
  same<Equal<typeof promise, Promise<string>>>()
  const any = either.local(true)
  same<Equal<typeof any, string | Promise<number>>>()
  const far = queue.remote<typeof send>('send').local('a')
  same<Equal<typeof far, Promise<string>>>()
  // @ts-expect-error: a string is no number
  fib.local('x')
}

export function withKeepsTheTypes({ fib, send }: Tasks): void {
  const bound = fib.with({ resultTtl: 60_000 })
  same<Equal<typeof bound, typeof fib>>()
  const again = send.with({ failedTtl: 1 }).with({ resultTtl: 1 })
  same<Equal<typeof again, typeof send>>()
  // @ts-expect-error: there is no such option
  fib.with({ resultTTL: 1 })
  // @ts-expect-error: times are numbers of milliseconds
  fib.with({ resultTtl: '1h' })
  // @ts-expect-error: a string is no number
  fib.with({ resultTtl: 1 })('x')
}

export function remoteIsTheSameCallable({ queue, fib, send, pair }: Tasks): void {
  const far = queue.remote<typeof fib>('fib')
  same<Equal<typeof far, typeof fib>>()
  same<Equal<RemoteTask<typeof send>, typeof send>>()
  same<Equal<RemoteTask<typeof pair>, typeof pair>>()
  // Of the handler's own type too, so that only a type need be imported.
  const handler = async (n: number, unit?: 'ms' | 's'): Promise<Date> => new Date(n + (unit?.length ?? 0))
  const made = queue.remote<typeof handler>('made', { resultTtl: 5 })
  same<Equal<typeof made, Task<[n: number, unit?: 'ms' | 's' | undefined], Promise<Date>>>>()
  same<Equal<ReturnType<typeof made>, TaskHandle<Date>>>()
  // @ts-expect-error: a string is no number
  far('x')
  // @ts-expect-error: there is no such unit
  made(1, 'h')
  // @ts-expect-error: there is no such option
  queue.remote<typeof fib>('fib', { tll: 5 })
  // @ts-expect-error: without a type there is nothing to call
  queue.remote('fib')(1)
}

export async function aHandleByIdIsOfTheTypeThatIsNamed({ queue }: Tasks): Promise<void> {
  const known = await queue.handle<string[]>('id').get()
  same<Equal<typeof known, string[]>>()
  const unknown = await queue.handle('id').get()
  same<Equal<typeof unknown, unknown>>()
  const info = await queue.getTask('id')
  // @ts-expect-error: it may be null
  info.state
  same<Equal<NonNullable<typeof info>['args'], readonly unknown[] | undefined>>()
}

export function aTaskIsANameWithAFunction({ queue }: Tasks): void {
  queue.task(function named(n: number) {
    return n
  })
  // @ts-expect-error: a name is missing its function
  queue.task('fib')
  // @ts-expect-error: that is no function
  queue.task('fib', 5)
  // @ts-expect-error: there is no such option
  queue.task('fib', (n: number) => n, { retrys: 3 })
}

const userInput = z.object({ name: z.string(), born: z.string().transform((text) => new Date(text)) })
type UserIn = { name: string; born: string }
type User = { name: string; born: Date }

export async function aSchemaGivesATaskItsTypes({ queue }: Tasks): Promise<void> {
  const age = queue.task(
    'age',
    (user) => {
      same<Equal<typeof user, User>>()
      return user.born.getTime()
    },
    { input: userInput, retryIf: (error) => error instanceof RangeError },
  )
  same<Equal<typeof age, Task<[input: UserIn], Promise<number>>>>()
  same<Equal<Parameters<typeof age>, [input: UserIn]>>()
  const local = await age.local({ name: 'a', born: '2000' })
  same<Equal<typeof local, number>>()
  const named = queue.task(
    function nameOf(user: User) {
      return user.name
    },
    { input: userInput },
  )
  same<Equal<typeof named, Task<[input: UserIn], Promise<string>>>>()
  const nothing = queue.task('nothing', () => 1, { input: userInput })
  same<Equal<typeof nothing, Task<[input: UserIn], Promise<number>>>>()
  const maybe = queue.task('maybe', (text) => text, { input: v.optional(v.string(), 'x') })
  same<Equal<typeof maybe, Task<[input?: string | undefined], Promise<string>>>>()
  maybe()
  same<Equal<ReturnType<typeof age.with>, typeof age>>()
  // @ts-expect-error: callers pass what the schema takes, not what it makes
  age({ name: 'a', born: new Date() })
  // @ts-expect-error: there is one argument
  age({ name: 'a', born: '2000' }, 1)
  // @ts-expect-error: an argument is missing
  age()
  // @ts-expect-error: the handler gets what the schema makes
  queue.task('wrong', (user: UserIn) => user.name, { input: userInput })
  // @ts-expect-error: the handler gets one argument
  queue.task('wrong', (user: User, second: number) => [user, second], { input: userInput })
  // @ts-expect-error: that is no schema
  queue.task('wrong', (n: number) => n, { input: Number })
  // @ts-expect-error: schemas are of the definition
  age.with({ input: userInput })
}

export async function anOutputSchemaGivesTheResultItsType({ queue }: Tasks): Promise<void> {
  const output = v.object({ id: v.pipe(v.string(), v.transform(Number)) })
  const find = queue.task('find', async (text: string, limit?: number) => ({ id: text, limit }), { output })
  same<Equal<typeof find, Task<[text: string, limit?: number | undefined], Promise<{ id: number }>>>>()
  const found = await find('a', 1).get()
  same<Equal<typeof found, { id: number }>>()
  const both = queue.task('both', (user) => ({ id: user.name }), { input: userInput, output })
  same<Equal<typeof both, Task<[input: UserIn], Promise<{ id: number }>>>>()
  const literal = queue.task('literal', async () => 'sent' as const, { output: z.enum(['sent', 'lost']) })
  same<Equal<typeof literal, Task<[], Promise<'sent' | 'lost'>>>>()
  const none = queue.task('none', async () => {}, { output: z.void() })
  same<Equal<typeof none, Task<[], Promise<void>>>>()
  // @ts-expect-error: the handler returns what the schema takes
  queue.task('wrong', () => 5, { output })
  // @ts-expect-error: awaited
  queue.task('wrong', async () => ({ id: 5 }), { output })
}

export function aRemoteTaskTakesTheSchemaOfItsArgument({ queue, fib, send }: Tasks): void {
  const age = queue.task('age', (user) => user.born, { input: userInput })
  const far = queue.remote<typeof age>('age', { input: userInput, retries: 3 })
  same<Equal<typeof far, typeof age>>()
  queue.remote<typeof fib>('fib', { input: v.number() })
  queue.remote<(n: number) => void>('named', { input: z.number().positive() })
  // @ts-expect-error: that is the schema of another task
  queue.remote<typeof fib>('fib', { input: userInput })
  // @ts-expect-error: a schema is of one argument
  queue.remote<typeof send>('send', { input: z.string() })
  // @ts-expect-error: results are checked by the worker
  queue.remote<typeof fib>('fib', { output: z.bigint() })
}

export function aFunctionOfTypesDefinesTasks({ queue }: Tasks): void {
  const define = <Args extends unknown[], R>(name: string, f: (...args: Args) => R): Task<Args, R> =>
    queue.task(name, f)
  same<Equal<ReturnType<typeof define<[n: number], string>>, Task<[n: number], string>>>()
  const options: DefinitionOptions = { retries: 3, retryIf: (error) => error instanceof Error }
  const one = queue.task('one', (n: number) => n, options)
  same<Equal<typeof one, Task<[n: number], number>>>()
}

export function aBatchIsATaskForItsCallers({ queue }: Tasks): void {
  const double = queue.batch('double', (calls: BatchCall<[n: number]>[]) =>
    calls.map(({ args: [n] }) => 2 * n),
  )
  same<Equal<typeof double, Task<[n: number], Promise<number>>>>()
  const handle = double(1)
  same<Equal<typeof handle, TaskHandle<number>>>()
  // @ts-expect-error: a string is no number
  double('x')
  const errors = queue.batch('errors', async (calls: readonly BatchCall<[path: string]>[]) =>
    calls.map(({ args: [path] }) => (path === '' ? new Error('empty') : path.length)),
  )
  same<Equal<typeof errors, Task<[path: string], Promise<number>>>>()
  const settled = queue.batch('settled', async (calls: BatchCall<[], Date>[]) => {
    for (const { succeed } of calls) succeed(new Date())
    // @ts-expect-error: a string is no date
    calls[0]?.succeed('now')
  })
  same<Equal<typeof settled, Task<[], Promise<Date>>>>()
  const promises = queue.batch('promises', (calls: BatchCall[]) => calls.map(async ({ id }) => id))
  same<Equal<typeof promises, Task<unknown[], Promise<string>>>>()
  const far = queue.remote<typeof double>('double')
  same<Equal<typeof far, typeof double>>()
  const given = queue.batch('given', (calls) => calls.map(({ args: [{ n }] }) => n), {
    ...{ input: z.object({ n: z.number() }), size: 5, linger: 10, retries: 2 },
  })
  same<Equal<Parameters<typeof given>, [input: { n: number }]>>()
  // @ts-expect-error: a batch is its own commit
  queue.batch('commits', () => {}, { commitEvery: 5, commit: () => {} })
  queue.task('row', (n: number) => n, { commitEvery: 5, commit: async () => {}, linger: 5 })
  // @ts-expect-error: there is no such option
  queue.batch('sized', () => {}, { sise: 5 })
}

export function aPreparedCallKnowsWhatItGivesAndWhatItStillTakes({
  fib,
  send,
  sum,
  nothing,
  pair,
}: Tasks): void {
  same<Equal<ReturnType<typeof fib.prepare>, PreparedStep<bigint, number>>>()
  const whole = fib.prepare(1)
  same<Equal<typeof whole, PreparedCall<bigint>>>()
  const step = fib.prepare()
  same<Equal<typeof step, PreparedStep<bigint, number>>>()
  const named = send.prepare({ html: true })
  same<Equal<typeof named, PreparedStep<string, string>>>()
  const any = sum.prepare(1, 2)
  same<Equal<typeof any, PreparedCall<number, number>>>()
  const none = nothing.prepare()
  same<Equal<typeof none, PreparedCall<void, unknown>>>()
  const first = pair.prepare()
  same<Equal<typeof first, PreparedStep<[first: string, second?: number], string>>>()
  // @ts-expect-error: a string is no number
  fib.prepare('x')
  // @ts-expect-error: there is one argument
  fib.prepare(1, 2)
  // @ts-expect-error: html is missing
  send.prepare({})
}

export async function manyCallsKeepTheirTypes({ queue, fib, send }: Tasks): Promise<void> {
  const handles = fib.many([[1], [2]])
  same<Equal<typeof handles, TaskHandle<bigint>[]>>()
  send.many(new Set([['a', { html: true }] as const]))
  // @ts-expect-error: a string is no number
  fib.many([['x']])
  // @ts-expect-error: lists of arguments
  fib.many([1, 2])
  const made = await queue.enqueueMany([fib.prepare(1), fib.prepare(2)])
  same<Equal<typeof made, EnqueuedCall<bigint>[]>>()
  const both = await queue.enqueueMany<bigint | string>([fib.prepare(1), send.prepare('a')])
  same<Equal<Awaited<ReturnType<(typeof both)[number]['handle']['get']>>, bigint | string>>()
  // @ts-expect-error: its argument is missing
  queue.enqueueMany([fib.prepare()])
  // @ts-expect-error: these are not prepared
  queue.enqueueMany([fib(1)])
}

export async function aTransactionGivesWhatItsFunctionGives({ queue, fib }: Tasks): Promise<void> {
  const handle = await queue.transaction(() => fib(1))
  same<Equal<typeof handle, TaskHandle<bigint>>>()
  const text = await queue.transaction(async () => 'a', { others: 'each' })
  same<Equal<typeof text, string>>()
  // @ts-expect-error: there is no such way
  queue.transaction(() => {}, { others: 'all' })
  fib.with({ transaction: false })
  const elsewhere = fib.with({ queue })
  same<Equal<typeof elsewhere, typeof fib>>()
  // @ts-expect-error: it is a name, not a queue
  fib.with({ queue: 'other' })
  // @ts-expect-error: a task belongs to the queue that defines it
  queue.task('task', () => 1, { queue })
}

export function callbacksTakeWhatTheTaskGives({ queue, fib, send, nothing }: Tasks): void {
  const keep = queue.task('keep', (value: bigint, where: string) => `${value} ${where}`)
  const alarm = queue.task('alarm', (failure: TaskFailure, who: string) => `${failure.code} ${who}`)
  fib.with({ onSuccess: keep.prepare(1n, 'here') })
  fib.with({ onSuccess: { call: keep.prepare('here'), withResult: true } })
  fib.with({ onSuccess: [nothing.prepare(), { call: nothing.prepare(), withResult: true }] })
  fib.with({ onFailure: { call: alarm.prepare('ann'), withError: true } })
  fib.with({ after: [send('a'), 'id'], onParentFailure: 'run' })
  queue.task('task', () => 1, { onSuccess: nothing.prepare(), after: 'id' })
  fib.with({ onProgress: [keep.prepare(1n, 'here'), { call: keep.prepare('here'), withProgress: true }] })
  queue.task('other', () => 1, { onProgress: { call: keep.prepare('here'), withProgress: true } })
  // @ts-expect-error: its first argument is missing, and nothing gives it
  fib.with({ onProgress: keep.prepare('here') })
  // @ts-expect-error: the progress would be one argument too many
  fib.with({ onProgress: { call: keep.prepare(1n, 'here'), withProgress: true } })
  // @ts-expect-error: progress is no result
  fib.with({ onProgress: { call: keep.prepare('here'), withResult: true } })
  // @ts-expect-error: its first argument is missing, and nothing gives it
  fib.with({ onSuccess: keep.prepare('here') })
  // @ts-expect-error: it takes a bigint, and this task gives a string
  send.with({ onSuccess: { call: keep.prepare('here'), withResult: true } })
  // @ts-expect-error: it takes a bigint, not an error
  fib.with({ onFailure: { call: keep.prepare('here'), withError: true } })
  // @ts-expect-error: a failure has no result
  fib.with({ onFailure: { call: nothing.prepare(), withResult: true } })
  // @ts-expect-error: a call that is made already
  fib.with({ onSuccess: nothing() })
}

export async function stepsOfAFlowFitTogether({ queue, fib, send, nothing }: Tasks): Promise<void> {
  const show = queue.task('show', (value: bigint) => value.toString())
  const sum = queue.task('sum', (values: bigint[]) => values.reduce((a, b) => a + b))
  const flow = chain(fib.prepare(1), show.prepare(), send.prepare())
  same<Equal<typeof flow, Flow<string, never>>>()
  const text = await flow.start().get()
  same<Equal<typeof text, string>>()
  const both = group([fib.prepare(1), send.prepare('a')])
  const results = await both.start().get()
  same<Equal<typeof results, [bigint, string]>>()
  const list = group([1, 2].map((n) => fib.prepare(n)))
  const total = await chord(list, sum.prepare()).start().get()
  same<Equal<typeof total, bigint>>()
  // A group after a step: each part takes its result.
  const nested = chain(fib.prepare(1), group([show.prepare(), show.prepare()]), nothing.prepare())
  same<Equal<typeof nested, Flow<void, never>>>()
  const handle = await queue.flow<string>('id')
  same<Equal<typeof handle, FlowHandle<string> | null>>()
  chainOf<string>([fib.prepare(1), show.prepare()]).start()
  // @ts-expect-error: show takes a bigint, and send gives a string
  chain(send.prepare('a'), show.prepare())
  // @ts-expect-error: fib takes a number, and show gives a string
  chain(fib.prepare(1), show.prepare(), fib.prepare())
  // @ts-expect-error: its argument is given already
  chain(fib.prepare(1), show.prepare(1n))
  // @ts-expect-error: sum takes a list of bigints
  chord(both, sum.prepare())
  // @ts-expect-error: the first step lacks its argument
  chain(fib.prepare(), show.prepare()).start()
  // @ts-expect-error: one of its parts lacks its argument
  group([fib.prepare(1), show.prepare()]).start()
}

export function optionsHaveNames({ queue }: Tasks): void {
  new Queue('q', { redis: 'redis://h', namespace: 'n', maxPayload: 5 })
  new Queue('q', { redis: { host: 'h', port: 1, tls: {} } })
  new Queue('q', { redis: new Redis({ lazyConnect: true }) })
  // @ts-expect-error: there is no such option
  new Queue('q', { reddis: 'redis://h' })
  // @ts-expect-error: that is no place of a Redis
  new Queue('q', { redis: 6379 })
  // @ts-expect-error: a queue has a name
  new Queue()
  queue.worker({ concurrency: 5, lease: 1000 })
  // @ts-expect-error: there is no such option
  queue.worker({ concurency: 5 })
  // @ts-expect-error: times are numbers of milliseconds
  void queue.run({ drainTimeout: '25s' })
}

export function limitsHaveKeys({ queue }: Tasks): void {
  const key = (tenant: string): string => tenant
  const task = queue.task('limited', (tenant: string, n: number) => `${tenant}${n}`, {
    limit: { max: 1, per: 1, key: (tenant) => tenant },
  })
  same<Equal<typeof task, Task<[tenant: string, n: number], string>>>()
  queue.remote<typeof task>('limited', { limit: { key, scope: 'queue' } }).with({ limit: false })('a', 1)
  // @ts-expect-error: a key is a string
  queue.task('odd', (n: number) => n, { limit: { key: (n: number) => n } })
  // @ts-expect-error: there is no such scope
  new Queue('q', { defaults: { limit: { concurrency: 1, scope: 'all' } } })
}

export async function schedulesTakePreparedCalls({ queue, send }: Tasks): Promise<void> {
  const defined = await queue.schedule(
    'n',
    { cron: '0 8 * * *', timezone: 'UTC', missed: 'all' },
    send.prepare('ann'),
  )
  same<Equal<typeof defined, 'new' | 'changed' | 'same'>>()
  const handle = await queue.runSchedule<string>('n')
  same<Equal<typeof handle, TaskHandle<string> | null>>()
  // @ts-expect-error: arguments are the task's
  await queue.schedule('n', { every: 1_000 }, send.prepare(5))
  // @ts-expect-error: a call that is made already
  await queue.schedule('n', { every: 1_000 }, send('ann'))
  // @ts-expect-error: there is no such policy
  await queue.schedule('n', { every: 1_000, missed: 'none' }, send.prepare('ann'))
}

export function aHandlerKnowsItsRun(): void {
  const context = currentTask()
  same<Equal<typeof context, TaskContext>>()
  same<Equal<typeof context.signal, AbortSignal>>()
  same<Equal<ReturnType<typeof context.updateProgress>, Promise<void>>>()
  // @ts-expect-error: the attempt is given
  context.attempt = 2
}

export function eventsAreTyped({ queue }: Tasks): void {
  const worker = queue.worker()
  worker.on('fenced', (id) => same<Equal<typeof id, string>>())
  worker.on('error', (error) => same<Equal<typeof error, Error>>())
  queue.on('error', (error) => same<Equal<typeof error, Error>>())
  // @ts-expect-error: there is no such event
  worker.on('finished', () => {})
}

test('a handle is not thenable: awaiting a call gives its handle', async () => {
  assert.ok(!('then' in TaskHandle.prototype))
  const handle = Object.create(TaskHandle.prototype) as TaskHandle
  assert.equal(await handle, handle)
})
