/**
 * A round trip through a script, bounded in time, that never rejects: what health is proved by. PING stays green where
 * scripts are refused: on a replica, with a full disk, at maxmemory.
 */

import { integer } from '../options.ts'
import { messageOf } from './faults.ts'

export interface HealthOptions {
  /** How long Redis may take to answer, ms, with a connection that has to be made first. Default 2,000. */
  readonly timeout?: number
}

export const HEALTH_OPTIONS = { timeout: integer(2_000, 1, 60_000) }

export type Probe<T = unknown> =
  | { readonly answer: T; readonly latency: number; readonly problem?: never }
  | { readonly problem: string; readonly latency?: never }

/** ready: resolves when there is a connection. latency: of the script alone, ms. */
export async function probe<T>(
  ready: (timeout: number) => Promise<void>,
  script: () => Promise<T>,
  timeout: number,
): Promise<Probe<T>> {
  const ask = async (): Promise<Probe<T>> => {
    try {
      await ready(timeout)
      const began = performance.now()
      const answer = await script()
      return { answer, latency: Math.round((performance.now() - began) * 1_000) / 1_000 }
    } catch (error) {
      return { problem: messageOf(error) }
    }
  }
  // First, so that a connection that is not made in time can say why.
  const asked = ask()
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<Probe<T>>((resolve) => {
    timer = setTimeout(() => resolve({ problem: `Redis gave no answer for ${timeout} ms` }), timeout)
  })
  const first = await Promise.race([asked, over])
  clearTimeout(timer)
  return first
}
