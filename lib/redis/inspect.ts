/** The slow reads, for people: one task's record, made into a TaskInfo. */

import { decode } from '../codec.ts'
import { describeCall } from '../envelope.ts'
import { isTaskState, type TaskInfo } from '../record.ts'
import { decodeError } from '../remote-error.ts'
import type { Store } from './store.ts'

/** Null where there is no record of that id, or not one of ours. Bytes that cannot be read show as undefined. */
export async function inspectTask(store: Store, queue: string, id: string): Promise<TaskInfo | null> {
  const reply = await store.inspect(id)
  if (!reply) return null
  const [call, ...pairs] = reply
  const fields = new Map<string, Buffer>()
  for (let i = 0; i + 1 < pairs.length; i += 2) fields.set(pairs[i]!.toString('latin1'), pairs[i + 1]!)
  const text = (name: string): string | undefined => fields.get(name)?.toString('latin1')

  const entry = text('entry')
  const state = text('state') ?? 'queued'
  if (!entry || !isTaskState(state)) return null
  const created = text('created') ?? /\/(\d+)-/.exec(entry)?.[1]
  return {
    id,
    queue,
    ...describeCall(call!),
    state,
    progress: readable(fields.get('progress'), decode),
    result: readable(fields.get('result'), decode),
    error: readable(fields.get('error'), decodeError),
    worker: text('worker'),
    attempt: Number(text('attempt') ?? 0),
    crashes: Number(text('crashes') ?? 0),
    createdAt: new Date(Number(created)),
    startedAt: date(text('started')),
    finishedAt: date(text('finished')),
  }
}

const date = (ms: string | undefined): Date | undefined =>
  ms === undefined ? undefined : new Date(Number(ms))

function readable(bytes: Buffer | undefined, read: (bytes: Buffer) => unknown): unknown {
  try {
    return bytes && read(bytes)
  } catch {
    return undefined
  }
}
