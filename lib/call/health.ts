/** Whether calls get through to Redis now: the health of those that enqueue. */

import type { Probe } from '../redis/probe.ts'

/** How a queue stands for those that call its tasks. */
export interface QueueHealth {
  /** Redis would accept a call now. */
  readonly ok: boolean
  readonly isConnected: boolean
  /** Of the script that accepts calls, there and back, ms; undefined where it was not answered. An inline queue has 0. */
  readonly latency: number | undefined
  /** Calls that wait in this process to be sent, or to be answered. */
  readonly unsent: number
  /** Why it is not ok, for people. */
  readonly problem: string | undefined
}

export const queueHealth = (isConnected: boolean, unsent: number, probe: Probe): QueueHealth => ({
  ok: probe.problem === undefined,
  isConnected,
  latency: probe.latency,
  unsent,
  problem: probe.problem,
})
