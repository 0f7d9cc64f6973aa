/** What a process holds, told by itself when it is asked by SIGUSR2. Start it with `--expose-gc`, else garbage counts. */

import { readdirSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import type { Child } from '../support/processes.ts'
import { until } from '../support/until.ts'

const MIB = 1024 * 1024

export interface Health {
  /** MiB of the heap and of buffers, after a collection. */
  readonly heap: number
  /** MiB that the process has had at most, all told. */
  readonly peak: number
  /** Open descriptors; 0 where the system does not tell. */
  readonly descriptors: number
  /** Somebody has written on what all objects inherit from. */
  readonly isPolluted: boolean
}

async function look(): Promise<Health> {
  // What a buffer held outside of the heap is freed by the collection after that of the buffer.
  for (let n = 0; n < 3; n++) {
    globalThis.gc?.()
    await turn()
  }
  const { heapUsed, external } = process.memoryUsage()
  const inherited: string[] = []
  for (const name in {}) inherited.push(name)
  return {
    heap: (heapUsed + external) / MIB,
    peak: process.resourceUsage().maxRSS / 1024,
    descriptors: descriptorsOf(process.pid),
    isPolluted: inherited.length > 0,
  }
}

/** Of any process; 0 where the system does not tell. */
export function descriptorsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return 0
  }
}

/** In the process that is asked. */
export function tellHealth(): void {
  process.on('SIGUSR2', () => void look().then((health) => console.log(`health ${JSON.stringify(health)}`)))
}

export async function healthOf(child: Child): Promise<Health> {
  const told = (): string[] => child.output.match(/^health .*\n/gm) ?? []
  const before = told().length
  child.signal('SIGUSR2')
  const line = await until('a process to tell its health', () => told()[before])
  return JSON.parse(line.slice('health '.length)) as Health
}
