/** The slow reads, for people: one task's record, made into a TaskInfo. */

import { decode } from '../codec.ts'
import { describeCall } from '../envelope.ts'
import { STATE_OF, type TaskInfo } from '../record.ts'
import { decodeError } from '../remote-error.ts'
import type { Store } from './store.ts'

/** Null where there is no record of that id, or not one of ours. Bytes that cannot be read show as undefined. */
export async function inspectTask(store: Store, queue: string, id: string): Promise<TaskInfo | null> {
  const reply = await store.inspect(id)
  if (!reply) return null
  const [call, runningOn, runningSince, ...pairs] = reply
  const fields = new Map<string, Buffer>()
  for (let i = 0; i + 1 < pairs.length; i += 2) fields.set(pairs[i]!.toString('latin1'), pairs[i + 1]!)
  const text = (name: string): string | undefined => fields.get(name)?.toString('latin1')

  const entry = text('entry')
  const end = text('end')
  if (!entry) return null
  const life = end === undefined ? open(runningOn!, runningSince!, Number(text('attempt') ?? 0)) : ended(end)
  if (!life) return null
  const created = text('created') ?? /(\d+)-/.exec(entry)?.[1]
  return {
    id,
    queue,
    ...describeCall(call!),
    ...life,
    progress: readable(fields.get('progress'), decode),
    result: readable(fields.get('result'), decode),
    error: readable(fields.get('error'), decodeError),
    crashes: Number(text('crashes') ?? 0),
    createdAt: new Date(Number(created)),
  }
}

type Life = Pick<TaskInfo, 'state' | 'worker' | 'attempt' | 'startedAt' | 'finishedAt'>

/** A task that has not ended runs if its entry is in a pending list. */
function open(worker: Buffer, since: Buffer, attemptsBefore: number): Life {
  const isRunning = worker.length > 0
  return {
    state: isRunning ? 'running' : 'queued',
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
    startedAt: new Date(Number(finished) - Number(ran)),
    finishedAt: new Date(Number(finished)),
  }
}

function readable(bytes: Buffer | undefined, read: (bytes: Buffer) => unknown): unknown {
  try {
    return bytes && read(bytes)
  } catch {
    return undefined
  }
}
