/** A worker as a process: drains on the first SIGTERM or SIGINT, ends at once on the second. */

import { constants } from 'node:os'
import type { Worker } from './worker.ts'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

export async function runUntilSignal(worker: Pick<Worker, 'run' | 'stop'>): Promise<void> {
  let signals = 0
  const onSignal = (signal: (typeof SIGNALS)[number]): void => {
    signals += 1
    const stopped = worker.stop(signals === 1 ? undefined : { timeout: 0 })
    if (signals === 2) void stopped.then(() => process.exit(128 + constants.signals[signal]))
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  try {
    await worker.run()
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }
}
