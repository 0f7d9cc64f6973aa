/** The slow reads, for people: one task's record, made into a TaskInfo. */

import { decode } from '../codec.ts'
import { describeCall } from '../envelope.ts'
import { isName } from '../ids.ts'
import {
  type AttemptError,
  isEndState,
  LANES,
  type Lane,
  type OpenState,
  STATE_OF,
  type TaskInfo,
} from '../record.ts'
import { decodeError } from '../remote-error.ts'
import { FrameReader } from './frame.ts'
import type { Store } from './store.ts'

/**
 * Null where there is no record of that id, or not one of ours. Bytes that cannot be read show as undefined. beside: of
 * another queue of the same Redis, for tasks that run there.
 */
export async function inspectTask(
  store: Store,
  queue: string,
  id: string,
  beside?: (queue: string) => Store,
): Promise<TaskInfo | null> {
  const reply = await store.inspect(id)
  if (!reply) return null
  const [call, runningOn, runningSince, due, ...pairs] = reply
  const fields = new Map<string, Buffer>()
  for (let i = 0; i + 1 < pairs.length; i += 2) fields.set(pairs[i]!.toString('latin1'), pairs[i + 1]!)
  const text = (name: string): string | undefined => fields.get(name)?.toString('latin1')

  const entry = text('entry')
  const end = text('end')
  if (!entry) return null
  const life =
    end === undefined ? open(entry, runningOn!, runningSince!, Number(text('attempt') ?? 0)) : ended(end)
  if (!life) return null
  const created = text('created') ?? /(\d+)-/.exec(entry)?.[1]
  const info: TaskInfo = {
    id,
    queue,
    ...describeCall(call!),
    ...life,
    lane: laneOf(entry, fields.has('limit') ? text('home') : undefined),
    progress: readable(fields.get('progress'), decode),
    result: readable(fields.get('result'), decode),
    error: readable(fields.get('error'), decodeError),
    errors: readable(fields.get('errors'), readErrors) ?? [],
    crashes: Number(text('crashes') ?? 0),
    createdAt: new Date(Number(created)),
    nextRunAt: due!.length > 0 && life.state === 'scheduled' ? new Date(Number(due)) : undefined,
    key: text('key'),
    after: text('after')?.split(' ') ?? [],
    cancelReason: end === undefined ? fields.get('cancel')?.toString() : undefined,
  }
  const to = end === undefined && entry.startsWith('away/') ? text('to') : undefined
  if (!to || !beside || !isName(to)) return info
  return { ...info, ...(await runOf(id, to, beside(to))) }
}

/** How it does in the queue where it runs. How it ends there counts when it has come back; without the right to look, nothing. */
async function runOf(id: string, queue: string, store: Store): Promise<Partial<TaskInfo>> {
  const there = await inspectTask(store, queue, id).catch(() => null)
  if (!there || isEndState(there.state)) return {}
  const { state, lane, worker, attempt, startedAt, progress, errors, crashes, nextRunAt, key } = there
  return { state, lane, worker, attempt, startedAt, progress, errors, crashes, nextRunAt, key }
}

type Life = Pick<TaskInfo, 'state' | 'worker' | 'attempt' | 'startedAt' | 'finishedAt'>

/** `scheduled/low`, `first/123-0`, `123-0`. home: of one that goes through lane first only to begin. */
function laneOf(entry: string, home: string | undefined): Lane {
  const word =
    entry.startsWith('first/') && home ? home : entry.split('/').find((part) => LANES.includes(part as Lane))
  return (word as Lane | undefined) ?? 'normal'
}

/** A task that has not ended runs if its entry is in a pending list. */
function open(entry: string, worker: Buffer, since: Buffer, attemptsBefore: number): Life {
  const outOfLine = /^(waiting|scheduled|parked)\//.exec(entry)?.[1]
  const isRunning = worker.length > 0
  return {
    state: (outOfLine as OpenState | undefined) ?? (isRunning ? 'running' : 'queued'),
    worker: isRunning ? worker.toString('latin1') : undefined,
    attempt: isRunning ? attemptsBefore + 1 : attemptsBefore,
    startedAt: isRunning ? new Date(Number(since.toString('latin1'))) : undefined,
    finishedAt: undefined,
  }
}

function ended(end: string): Life | undefined {
  const [letter, attempt, ran, finished, ...worker] = end.split(' ')
  const state = STATE_OF[letter ?? '']
  if (!state) return undefined
  return {
    state,
    worker: worker.join(' ') || undefined,
    attempt: Number(attempt),
    startedAt: attempt === '0' ? undefined : new Date(Number(finished) - Number(ran)),
    finishedAt: new Date(Number(finished)),
  }
}

/** Attempt, time and packed error, three items each. */
function readErrors(bytes: Buffer): AttemptError[] {
  const reader = new FrameReader(bytes)
  const errors: AttemptError[] = []
  for (let items = reader.list(); items > 0; items -= 3) {
    const attempt = Number(reader.text())
    const at = new Date(Number(reader.text()))
    const error = reader.bytes()
    errors.push({ attempt, at, error: error.length > 0 ? readable(error, decodeError) : undefined })
  }
  return errors
}

function readable<T>(bytes: Buffer | undefined, read: (bytes: Buffer) => T): T | undefined {
  try {
    return bytes && read(bytes)
  } catch {
    return undefined
  }
}
