/** What a worker can be told, and what it tells. */

import type { Logger } from '../logger.ts'
import type { Recovery } from '../redis/store.ts'

/** Options of a worker. Times in ms. */
export interface WorkerOptions {
  /** Handlers that run at once, at most. Default 10. */
  readonly concurrency?: number
  /**
   * Tasks held beyond those that run, at most, so that short ones follow each other without a round trip. The worker
   * fetches ahead what it runs in some 5 ms, nothing if tasks are long, and gives back what has to wait. 0: a task is
   * only taken when it can begin, or when a batch lacks some. Default 512.
   */
  readonly prefetch?: number
  /** How long the worker may be silent before its tasks go to others; it beats three times in that. Default 15,000. */
  readonly lease?: number
  /** How long `stop()` waits for running handlers before it aborts them and gives their tasks back. Default 25,000. */
  readonly drainTimeout?: number
  /** Workers that may die while they run the same task before it fails as poison. Default 3. */
  readonly maxCrashes?: number
  /** How long a handler may go on after its signal has aborted, before its slot is given to others. Default 5,000. */
  readonly abortGrace?: number
  /**
   * What is done about a handler that keeps the event loop past its timeout or deadline. `exit`: half a second later its
   * attempt is recorded as timed out, the process's other tasks are given back, and the process ends by SIGKILL, with a
   * line on stderr, for a supervisor to start it anew. `report`: the process waits for it, then the worker emits a
   * TaskOverrunError; for processes that must go on, and under a debugger. Default `exit`.
   */
  readonly onOverrun?: 'exit' | 'report'
  /** Gets a line when a task starts (debug), ends, fails, is tried again or is recovered, and what goes wrong. Default: none. */
  readonly logger?: Logger | undefined
  /** The first part of the worker's id. Default: host and process id. */
  readonly name?: string
}

/** Options of `queue.run()`. Times in ms. */
export interface RunOptions extends WorkerOptions {
  /**
   * How many processes work. Above 1, this one supervises: it starts the program (process.argv) so many times, in each of
   * which the same call of `queue.run()` is a worker, starts again what dies, and opens no connection for them itself.
   * SIGTERM and SIGINT drain all, SIGHUP changes them for new ones, one by one. `auto`: as many as there are cores.
   * On an inline queue `auto` is 1, and more is refused. Default 1: this process.
   */
  readonly processes?: number | 'auto'
}

export interface TaskStart {
  readonly id: string
  readonly name: string
  /** From 1. */
  readonly attempt: number
}

export interface TaskEnd extends TaskStart {
  /** How this attempt ended. `retry`: it failed, and another follows. `parked`: this worker does not know the task. */
  readonly state: 'succeeded' | 'failed' | 'cancelled' | 'expired' | 'retry' | 'parked'
  /** How long the handler ran, whole ms. */
  readonly ms: number
  /** Of an attempt that failed. */
  readonly error?: Error
  /** Ms until the next attempt. */
  readonly delay?: number
}

export interface WorkerEvents {
  /** Registered and taking tasks; again after every new registration. */
  ready: [workerId: string]
  /** This worker was declared dead: its handlers were aborted, and it comes back under a new id. */
  dead: [workerId: string]
  /** An attempt begins. */
  started: [task: TaskStart]
  /** An attempt is over; its outcome leaves with the next turn, and `fenced` follows where it is refused. */
  ended: [task: TaskEnd]
  /** An outcome or progress was refused: the task had been given to another worker, or its record is gone. */
  fenced: [taskId: string]
  /** Tasks of dead workers were put back in line by this one. */
  recovered: [recovery: Recovery]
  stopped: []
  error: [error: Error]
}
