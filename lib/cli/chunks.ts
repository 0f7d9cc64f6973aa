/**
 * What a called task yields, printed as it comes: one line on stdout for each chunk. A task that yields nothing costs one
 * question more. Of a call that has joined a live task nothing is read: its chunks go to one reader, and that is somebody else.
 */

import type { TaskHandle } from '../call/handle.ts'
import { TaskLostError } from '../errors.ts'
import { toError } from '../report.ts'
import { type Output, plain, showOnLine } from './output.ts'

export interface Printed {
  readonly count: number
  /** Why there are no more, where that is not the task's end. */
  readonly problem: Error | undefined
}

/** Never rejects. Resolves when the task has ended and all that it has yielded is printed, or when `signal` aborts. */
export async function printChunks(
  handle: TaskHandle<unknown>,
  output: Output,
  signal: AbortSignal,
  beforeLine: () => void,
): Promise<Printed> {
  let count = 0
  const note = (text: string): void => {
    beforeLine()
    output.note(`millrace: ${text}`)
  }
  try {
    await handle.enqueued
    if (handle.joined) return { count, problem: undefined }
    const chunks = handle.stream({
      signal,
      onRestart: (attempt) => note(`its chunks begin anew with attempt ${attempt}`),
      onGap: (missed) => note(`${missed} chunks were dropped before they were read`),
    })
    for await (const chunk of chunks) {
      beforeLine()
      output.data({ id: handle.id, chunk }, () => showChunk(chunk))
      count += 1
    }
    return { count, problem: undefined }
  } catch (thrown) {
    // Of a task that keeps no result nothing is known at its end: it need not have yielded.
    const isNothing = count === 0 && thrown instanceof TaskLostError
    return { count, problem: isNothing ? undefined : toError(thrown) }
  }
}

/** Text as it is, all else on one line. */
const showChunk = (chunk: unknown): string => (typeof chunk === 'string' ? plain(chunk) : showOnLine(chunk))
