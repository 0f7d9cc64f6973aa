/**
 * Workers in a process that a supervisor started: they say when they are ready, and end at the supervisor's word or at
 * its death.
 *
 * Signals may come twice, from the supervisor and from whoever signals a whole group (Ctrl-C in a terminal, systemd), so
 * a second one is no order to hurry here; that comes by message.
 */

import { mustNotOutlive } from '../upkeep/orphan.ts'
import type { Worker } from '../work/worker.ts'
import { hasParent, onHurry, onParentGone, parent, tellDone, tellReady } from './child.ts'

/** A worker or several, or what works inline and needs no time to be ready. */
export interface Runnable extends Pick<Worker, 'run' | 'stop'> {
  once?(event: 'ready', listener: () => void): unknown
}

/** For giving back and leaving after the drain, ms. */
export const END_GRACE = 10_000
/** Then the heartbeat's thread ends a process whose main loop does not, ms. */
const THREAD_GRACE = 1_000

const running = new Set<Runnable>()
let unready = 0
let longestDrain = 0
let isListening = false
let isStopping = false

/** Resolves when it has stopped. drainTimeout: ms. */
export async function runAsChild(worker: Runnable, drainTimeout: number): Promise<void> {
  listen()
  longestDrain = Math.max(longestDrain, drainTimeout)
  mustNotOutlive(parent, longestDrain + END_GRACE + THREAD_GRACE)
  running.add(worker)
  if (worker.once) {
    unready += 1
    worker.once('ready', becameReady)
  } else if (unready === 0) queueMicrotask(() => unready === 0 && tellReady())
  if (isStopping) void worker.stop()
  try {
    await worker.run()
  } finally {
    running.delete(worker)
  }
  if (running.size === 0 && !isStopping) tellDone()
}

function becameReady(): void {
  unready -= 1
  if (unready === 0) tellReady()
}

function listen(): void {
  if (isListening) return
  isListening = true
  // stderr is a pipe to the supervisor, stdout perhaps a terminal: when they are gone, a write must not end the drain.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  // SIGINT and SIGHUP are for the supervisor, who passes on what they mean.
  const [onSigterm, onOther] = [() => onSignal(true), () => onSignal(false)]
  process.on('SIGTERM', onSigterm)
  process.on('SIGINT', onOther)
  process.on('SIGHUP', onOther)
  onHurry(() => void endNow())
  onParentGone(() => {
    void stopAll()
    // Nobody is left to kill a process that does not end.
    setTimeout(() => process.exit(1), longestDrain + END_GRACE).unref()
  })
}

function onSignal(isForChildren: boolean): void {
  if (!hasParent()) void endNow()
  else if (isForChildren) void stopAll()
}

async function stopAll(options?: { readonly timeout: number }): Promise<void> {
  isStopping = true
  await Promise.all([...running].map((worker) => worker.stop(options)))
}

/** Does not wait for handlers, and ends the process although they go on. */
async function endNow(): Promise<void> {
  await stopAll({ timeout: 0 })
  process.exit(1)
}
