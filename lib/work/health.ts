/** What a worker says of itself, proved by a script that Redis runs at that moment. */

import { resolve } from '../options.ts'
import type { Admin, Settings } from '../redis/admin.ts'
import type { Connection } from '../redis/connection.ts'
import { HEALTH_OPTIONS, type HealthOptions, type Probe, probe } from '../redis/probe.ts'
import type { Heartbeat } from '../upkeep/heartbeat.ts'
import type { Processor } from './processor.ts'

/** `starting`: it waits for Redis, or to be registered · `draining`: it takes nothing more, what runs goes on. */
export type WorkerState = 'idle' | 'starting' | 'running' | 'draining' | 'stopped'

/** How a worker stands. */
export interface WorkerHealth {
  /** It takes tasks as they come, or would if the queue were not paused. */
  readonly ok: boolean
  /** Why it is not ok, for people. Empty where it is. */
  readonly reasons: readonly string[]
  readonly state: WorkerState
  /** Under which it is registered; '' while it is not. */
  readonly id: string
  /** An operator has paused the queue, or told this worker to be quiet: it takes nothing, and that is right. */
  readonly isPaused: boolean
  /** Since when it consumes without a break; undefined: it does not now, or has not been answered yet. */
  readonly since: Date | undefined
  /** Handlers that run, with those that wait for other tasks. */
  readonly running: number
  /** Tasks fetched ahead that wait here for a slot. */
  readonly waiting: number
  /** Handlers that may run at once. */
  readonly concurrency: number
  /** When Redis last heard that it lives; undefined: not under this id. */
  readonly lastBeat: Date | undefined
  /** Of a script, there and back, ms; undefined where it was not answered. */
  readonly latency: number | undefined
}

/** A blocking read answers within 2 s, and one that does not is given up after 5; then the socket is replaced. */
const MOST_SILENCE = 10_000

const STATES: Readonly<Record<WorkerState, string | undefined>> = {
  idle: 'it has not been started',
  starting: 'it is not registered yet',
  running: undefined,
  draining: 'it stops: what runs goes on, and nothing more is taken',
  stopped: 'it has stopped',
}

/** What it is asked of. */
export interface Patient {
  readonly commands: Pick<Connection, 'ready'>
  readonly admin: Pick<Admin, 'settings'>
  readonly processor: Processor
  readonly heartbeat: Pick<Heartbeat, 'isFresh' | 'age'>
  readonly lease: number
  readonly now: () => { readonly state: WorkerState; readonly id: string }
}

const isIdle = ({ isPaused, order }: Settings): boolean => isPaused || order === 'quiet'

/** `settings` is a script that needs what turns need, and that knows whether the worker is registered. */
export async function examine(patient: Patient, options?: HealthOptions): Promise<WorkerHealth> {
  const { timeout } = resolve('worker.health', options, HEALTH_OPTIONS)
  const { commands, admin, processor, now } = patient
  const before = processor.silence
  const { state, id } = now()
  const isUp = state !== 'idle' && state !== 'stopped'
  const ready = (ms: number): Promise<void> => commands.ready(ms)
  const told = isUp ? await probe(ready, () => admin.settings(id), timeout) : undefined
  // One that had no room a moment ago has not been able to ask yet.
  return describe(patient, told, Math.min(before, processor.silence))
}

function describe(
  { processor, heartbeat, lease, now }: Patient,
  told: Probe<Settings | undefined> | undefined,
  silence: number,
): WorkerHealth {
  const { state, id } = now()
  const { held, consuming, concurrency } = processor
  const isRunning = state === 'running'
  const isAnswered = told !== undefined && told.problem === undefined
  const isPaused = isAnswered && told.answer ? isIdle(told.answer) : processor.isPaused
  const age = id === '' ? undefined : heartbeat.age
  const reasons = [STATES[state], told?.problem]
  if (isRunning && isAnswered && !told.answer) reasons.push('its registration is gone from Redis')
  if (isRunning && !heartbeat.isFresh)
    reasons.push(`no beat has reached Redis within its lease of ${lease} ms`)
  if (isRunning && !isPaused && silence > MOST_SILENCE) {
    reasons.push(`it has asked for work in vain for ${Math.round(silence)} ms`)
  }
  const given = reasons.filter((reason) => reason !== undefined)
  return {
    ok: given.length === 0,
    reasons: given,
    ...{ state, id, isPaused },
    since: isRunning && isAnswered && !isPaused ? consuming.since : undefined,
    running: held.running,
    waiting: held.waiting,
    concurrency,
    lastBeat: age === undefined ? undefined : new Date(Date.now() - age),
    latency: told?.latency,
  }
}
