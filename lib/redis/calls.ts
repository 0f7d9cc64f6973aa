/** Calls on the wire: what the scripts enqueue and several are given, and what they answer. */

import type { TaskState } from '../record.ts'
import type { Reply } from './command.ts'
import { FrameWriter, writeFrame } from './frame.ts'
import { type AnyCall, type CallHeads, list, text } from './wire.ts'

/** Bytes that frame a call, with lane, id and head. */
const OVERHEAD = 80

/** Calls for one queue. cap: of tasks that may wait there already; undefined = none. */
export interface QueueCalls {
  readonly calls: readonly AnyCall[]
  readonly heads: CallHeads
  readonly cap: number | undefined
}

/**
 * What else is to be said of a call: it joined the task of that id, which stands so; it is new, and the one before it
 * under its key ended so; or there was no room; or it was to wait for a task that nobody knows; or it would join one of which
 * too many hear.
 */
export type Exception = { readonly index: number } & (
  | { readonly joined: string; readonly state: TaskState }
  | { readonly joined?: never; readonly state: TaskState }
  | { readonly full: true }
  | { readonly orphan: string }
  | { readonly crowded: string }
)

/** It has not become a task, nor joined one. */
export const isRefusal = (exception: Exception): boolean =>
  'full' in exception || 'orphan' in exception || 'crowded' in exception

/** atomic: all of them or none. */
export function frameCalls(batch: QueueCalls, resent: boolean, atomic: boolean): Buffer {
  const writer = new FrameWriter(sizeOf(batch))
  writeCalls(writer, batch, resent, atomic)
  return writer.end()
}

/** For several queues, each as `frameCalls` would have it. */
export function frameSeveral(batches: readonly QueueCalls[], resent: boolean): Buffer {
  const writer = new FrameWriter(batches.reduce((bytes, batch) => bytes + sizeOf(batch), 0))
  writer.list(batches.length)
  for (const batch of batches) writeCalls(writer, batch, resent, true)
  return writer.end()
}

/** What will probably do. */
function sizeOf({ calls }: QueueCalls): number {
  let bytes = 20
  for (const { packed } of calls) bytes += OVERHEAD + packed.length
  return bytes
}

function writeCalls(writer: FrameWriter, batch: QueueCalls, resent: boolean, atomic: boolean): void {
  const { calls, heads, cap } = batch
  writer.list(3 + 3 * calls.length)
  writer.text(resent ? '1' : '0')
  writer.text(cap === undefined ? '' : String(cap))
  writer.text(atomic ? '1' : '')
  for (const { lane, how, id, packed, isAwaited } of calls) {
    if (how) writeFrame(writer, [lane, ...how])
    else writer.text(lane)
    writer.text(id)
    writer.bytes(isAwaited ? heads.awaited : heads.other, packed)
  }
}

const NO_EXCEPTIONS: readonly Exception[] = []

/** How many were new; where there is more to say, then number of the call and what became of it. */
export function readExceptions(reply: Reply): readonly Exception[] {
  if (typeof reply === 'number') return NO_EXCEPTIONS
  const items = list(reply).slice(1)
  const exceptions: Exception[] = []
  for (let i = 0; i + 1 < items.length; i += 2) {
    const index = Number(items[i]) - 1
    const what = text(items[i + 1])
    const [joined, state] = what.split(' ') as [string, TaskState]
    if (what === 'full') exceptions.push({ index, full: true })
    else if (joined === 'orphan') exceptions.push({ index, orphan: state })
    else if (joined === 'crowded') exceptions.push({ index, crowded: state })
    else exceptions.push(joined === '-' ? { index, state } : { index, joined, state })
  }
  return exceptions
}
