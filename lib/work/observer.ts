/** What a worker tells of its tasks while they run: for logs and metrics, which nobody pays for who does not listen. */

import { toError } from '../report.ts'
import type { Held } from './held.ts'
import type { TaskEnd, TaskStart, WorkerEvents } from './worker-options.ts'

export interface Observer {
  began(held: Held, name: string): void
  /** error: of an attempt that failed, also where another follows. delay: ms until that one. */
  ended(held: Held, name: string, state: TaskEnd['state'], ms: number, error?: unknown, delay?: number): void
}

interface Emitter {
  listenerCount(event: keyof WorkerEvents): number
  emit(event: 'started', task: TaskStart): boolean
  emit(event: 'ended', task: TaskEnd): boolean
}

/** A listener that throws is reported, and fails no task. */
export function observerOf(emitter: Emitter, onError: (error: Error) => void): Observer {
  const tell = (emit: () => void): void => {
    try {
      emit()
    } catch (error) {
      onError(toError(error))
    }
  }
  return {
    began: ({ id, attempt }, name) => {
      if (emitter.listenerCount('started') === 0) return
      tell(() => emitter.emit('started', { id, name, attempt }))
    },
    ended: ({ id, attempt }, name, state, ms, error, delay) => {
      if (emitter.listenerCount('ended') === 0) return
      tell(() =>
        emitter.emit('ended', {
          ...{ id, name, attempt, state, ms },
          ...(error !== undefined && { error: toError(error) }),
          ...(delay !== undefined && { delay }),
        }),
      )
    },
  }
}
