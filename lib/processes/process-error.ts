/** What a supervisor has to say of one of its processes, to whom nobody else would tell. */

import { MillraceError } from '../errors.ts'

/** A worker process died unasked, was killed because it did not end, or could not be replaced. */
export class WorkerProcessError extends MillraceError {
  /** Its place with the supervisor, from 1. */
  readonly slot: number
  /** Undefined: it could not be started. */
  readonly pid: number | undefined
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null

  constructor(child: {
    readonly slot: number
    readonly pid: number | undefined
    readonly code?: number | null
    readonly signal?: NodeJS.Signals | null
    readonly why: string
  }) {
    const { slot, pid, code = null, signal = null, why } = child
    const name = pid === undefined ? `${slot}` : `${slot} (pid ${pid})`
    super('ERR_MILLRACE_WORKER_PROCESS', `worker process ${name} ${why}`)
    this.slot = slot
    this.pid = pid
    this.exitCode = code
    this.signal = signal
  }
}
