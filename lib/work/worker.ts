/**
 * A worker: takes tasks, runs them, brings their outcomes back, and keeps itself registered.
 *
 *   idle ──run──► starting ──► running ──stop──► draining ──► stopped
 *                    ▲            │
 *                    └── declared dead: everything is let go, and a new id is registered
 *
 * Work arrives in two ways: by turns (turns.ts) while there is a backlog, by the blocking read (fetch.ts) while
 * there is none. A read is on its way whenever a turn brought less than was wanted.
 */

import { EventEmitter } from 'node:events'
import { hostname } from 'node:os'
import { HEAD_ROOM } from '../envelope.ts'
import { OptionError } from '../errors.ts'
import { newWorkerId } from '../ids.ts'
import type { Connection } from '../redis/connection.ts'
import { isGroupGone, isTransient } from '../redis/faults.ts'
import {
  type Delivered,
  type Place,
  placeKey,
  type RawEntry,
  type Recovery,
  type Store,
  type TurnReply,
} from '../redis/store.ts'
import type { RedisTarget } from '../redis/target.ts'
import { report, toError } from '../report.ts'
import { Heartbeat } from '../upkeep/heartbeat.ts'
import type { Loop } from '../upkeep/loop.ts'
import { reconcileLoop } from '../upkeep/reconcile.ts'
import { recoverLoop } from '../upkeep/recover.ts'
import { type ExecuteOptions, execute } from './execute.ts'
import { Fetcher } from './fetch.ts'
import { Held, heldFrom } from './held.ts'
import { Holding } from './holding.ts'
import { ProgressReports } from './progress.ts'
import type { Registry } from './registry.ts'
import { insist, type Patience } from './retry.ts'
import { type Finished, Turns } from './turns.ts'

/** Options of a worker. Times in ms. */
export interface WorkerOptions {
  /** Handlers that run at once, at most. Default 10. */
  readonly concurrency?: number
  /** How long the worker may be silent before its tasks go to others; it beats three times in that. Default 15,000. */
  readonly lease?: number
  /** How long `stop()` waits for running handlers before it aborts them and gives their tasks back. Default 25,000. */
  readonly drainTimeout?: number
  /** Workers that may die while they run the same task before it fails as poison. Default 3. */
  readonly maxCrashes?: number
  /** The first part of the worker's id. Default: host and process id. */
  readonly name?: string
}

export interface WorkerEvents {
  /** Registered and taking tasks; again after every new registration. */
  ready: [workerId: string]
  /** This worker was declared dead: its handlers were aborted, and it comes back under a new id. */
  dead: [workerId: string]
  /** An outcome or progress was refused: the task had been given to another worker, or its record is gone. */
  fenced: [taskId: string]
  /** Tasks of dead workers were put back in line by this one. */
  recovered: [recovery: Recovery]
  stopped: []
  error: [error: Error]
}

/** What the queue lends its workers. */
export interface WorkerServices {
  readonly queue: string
  readonly namespace: string
  readonly target: RedisTarget
  readonly commands: Connection
  readonly store: Store
  readonly registry: Registry
  readonly limits: Omit<ExecuteOptions, 'registry' | 'updateProgress'> & { readonly maxFailed: number }
}

const READY_TIMEOUT = 2_000
/** Between tries to register when something other than the connection is wrong. */
const REGISTER_PAUSE = 1_000
/** For handlers to heed their signal once the drain's time is over. */
const ABORT_GRACE = 500
/** For giving back and leaving, if Redis does not answer. */
const LEAVE_TIMEOUT = 5_000

type State = 'idle' | 'starting' | 'running' | 'draining' | 'stopped'

export class Worker extends EventEmitter<WorkerEvents> {
  readonly #services: WorkerServices
  readonly #options: Required<WorkerOptions>
  readonly #holding: Holding
  readonly #turns: Turns
  readonly #fetcher: Fetcher
  readonly #progress: ProgressReports
  readonly #heartbeat: Heartbeat
  readonly #loops: { readonly recover: Loop; readonly reconcile: Loop }
  readonly #patience: Patience
  #state: State = 'idle'
  #id = ''
  #reading: Promise<void> | undefined
  /** Taken up by reconcile while a read was on its way that may bring them too. */
  #takenUp = new Set<string>()
  #leaveBy = Number.POSITIVE_INFINITY
  #cutShort = (): void => {}
  #stopping: Promise<void> | undefined

  /** Made by `queue.worker(options)`. */
  constructor(services: WorkerServices, options: Required<WorkerOptions>) {
    super()
    this.#services = services
    this.#options = options
    const { store, commands, registry, limits, queue, namespace, target } = services
    const { lease, maxCrashes } = options
    const executing: ExecuteOptions = {
      ...limits,
      registry,
      updateProgress: (held, value) => this.#progress.report(held, value),
    }
    this.#holding = new Holding(options.concurrency, (held) =>
      execute(held, executing, (outcome) => this.#finished({ held, outcome })),
    )
    this.#turns = new Turns({
      wanted: () =>
        this.#state === 'running' && !this.#reading ? this.#holding.free - this.#turns.asked : 0,
      isBusy: () => this.#holding.active > 0,
      send: (want, outcomes) => this.#sendTurn(want, outcomes),
      onReply: (finished, want, reply) => this.#turnDone(finished, want, reply),
      onError: (finished, error) => this.#turnFailed(finished, error),
    })
    this.#fetcher = new Fetcher(target, store.keys, () => this.#loops.reconcile.kick())
    this.#progress = new ProgressReports({
      maxBytes: limits.maxPayload,
      send: (reports) => store.progress(this.#id, reports),
      onFenced: (held) => this.#lost(held, 'the task was given to another worker'),
    })
    this.#heartbeat = new Heartbeat({
      ...{ target, namespace, queue, lease },
      onDead: (id) => this.#dead(id),
      onError: (error) => this.#report(error),
    })
    const worker = (): string => this.#id
    this.#loops = {
      recover: recoverLoop({
        ...{ store, worker, lease, maxCrashes, failedTtl: limits.failedTtl, maxFailed: limits.maxFailed },
        onRecovered: (recovery) => this.emit('recovered', recovery),
      }),
      reconcile: reconcileLoop({
        ...{ store, worker },
        held: () => this.#holding.openKeys(),
        isHeld: (key) => this.#holding.has(key),
        onStray: (places) => this.#takeUp(places),
        onLost: (keys) => {
          for (const key of keys) {
            const held = this.#holding.get(key)
            if (held && held.state !== 'finishing')
              this.#lost(held, 'the task is not in the pending list any more')
          }
        },
      }),
    }
    this.#patience = {
      ready: () => commands.ready(READY_TIMEOUT),
      isOver: () => this.#state === 'stopped' || performance.now() > this.#leaveBy,
    }
  }

  /** The id under which it is registered now; '' while it is not. */
  get id(): string {
    return this.#id
  }

  /** Takes and runs tasks until it is stopped. Runs once. */
  async run(): Promise<void> {
    if (this.#state === 'stopped') return
    if (this.#state !== 'idle')
      throw new OptionError('worker.run: it runs already; make another with queue.worker()')
    const stopped = new Promise<void>((resolve) => this.once('stopped', resolve))
    await this.#register()
    await stopped
  }

  /**
   * Takes nothing more, gives back what has not begun, waits `timeout` ms (default: `drainTimeout`) for running
   * handlers, aborts and gives back the rest, and leaves. Safe twice; a shorter timeout cuts the first one short.
   */
  stop(options?: { readonly timeout?: number }): Promise<void> {
    const timeout = options?.timeout ?? this.#options.drainTimeout
    if (this.#stopping) {
      setTimeout(this.#cutShort, timeout).unref()
      return this.#stopping
    }
    this.#stopping = this.#stop(timeout)
    return this.#stopping
  }

  async #register(): Promise<void> {
    const { commands, store } = this.#services
    const { lease, name, concurrency } = this.#options
    this.#state = 'starting'
    const id = newWorkerId(name)
    const details = { host: hostname(), pid: String(process.pid), concurrency: String(concurrency) }
    while (this.#state === 'starting') {
      try {
        await commands.ready(READY_TIMEOUT)
        await store.ensureGroups()
        await store.register(id, lease, details)
        break
      } catch (error) {
        // The connection says itself what is wrong with it; here only what it cannot know.
        if (commands.isReady) this.#report(toError(error))
        await new Promise((resolve) => setTimeout(resolve, REGISTER_PAUSE))
      }
    }
    if (this.#state !== 'starting') return
    this.#id = id
    this.#state = 'running'
    this.#heartbeat.follow(id)
    this.#loops.recover.start()
    this.#loops.reconcile.start()
    this.emit('ready', id)
    this.#turns.ask()
  }

  #dead(id: string): void {
    if (id !== this.#id || this.#state !== 'running') return
    this.emit('dead', id)
    this.#holding.dropAll('this worker was declared dead; its tasks are given to others')
    this.#turns.forget()
    this.#id = ''
    void this.#fetcher.unblock(this.#services.commands)
    void this.#register()
  }

  #finished(finished: Finished): void {
    if (finished.held.state !== 'running') return
    this.#progress.hurry(finished.held)
    this.#holding.finish(finished.held)
    this.#turns.push(finished)
  }

  async #sendTurn(want: number, outcomes: Parameters<Store['turn']>[2]): Promise<TurnReply> {
    const { store, limits } = this.#services
    const id = this.#id
    const turn = {
      maxCall: limits.maxPayload + HEAD_ROOM,
      maxFailed: limits.maxFailed,
      failedTtl: limits.failedTtl,
    }
    let retried = false
    const patience = {
      ...this.#patience,
      onRetry: () => {
        retried = true
      },
    }
    const reply = await insist(patience, () => store.turn(id, want, outcomes, turn))
    // What a lost reply brought is in the pending list.
    if (retried) this.#loops.reconcile.kick()
    return id === this.#id ? reply : { ...reply, granted: [] }
  }

  #turnDone(finished: readonly Finished[], want: number, reply: TurnReply): void {
    finished.forEach(({ held }, index) => {
      this.#holding.drop(held)
      if (reply.verdicts[index] === 'fenced') this.emit('fenced', held.id)
    })
    if (reply.granted === 'dead') {
      this.#dead(this.#id)
      return
    }
    const helds = reply.granted.map(
      (granted) => new Held(granted, granted.id, granted.call, granted.attempt, true),
    )
    this.#takeAll(helds)
    if (helds.length < want) this.#read()
  }

  #turnFailed(finished: readonly Finished[], error: unknown): void {
    for (const { held } of finished) this.#holding.drop(held)
    if (this.#state === 'stopped') return
    if (isGroupGone(error)) {
      this.#services.store.ensureGroups().then(
        () => this.#turns.ask(),
        () => this.#read(),
      )
      return
    }
    this.#report(toError(error))
    this.#read()
  }

  #takeAll(helds: readonly Held[]): void {
    if (this.#state === 'running') for (const held of helds) this.#holding.take(held)
    else void this.#giveBack(helds, false).catch(() => {})
  }

  /** Reads, blocking, as long as there are free slots and each read shows that the queue is empty. */
  #read(): void {
    if (this.#reading || this.#state !== 'running') return
    this.#reading = this.#readLoop().then(() => {
      this.#reading = undefined
      this.#turns.ask()
    })
  }

  async #readLoop(): Promise<void> {
    while (this.#state === 'running') {
      const count = this.#holding.free - this.#turns.asked
      if (count <= 0) return
      const id = this.#id
      try {
        const entries = await this.#fetcher.read(id, count)
        // Given to an id that was declared dead meanwhile: others take them from its pending list.
        if (id !== this.#id) continue
        this.#arrived(id, entries)
        if (entries.length >= count) return
      } catch (error) {
        if (isGroupGone(error)) await this.#services.store.ensureGroups().catch(() => {})
        else if (!isTransient(error)) this.#report(toError(error))
        await new Promise((resolve) => setTimeout(resolve, READ_PAUSE))
      }
    }
  }

  /** A blocking read has brought these: they are new, so handlers begin while `start` is on its way. */
  #arrived(id: string, entries: readonly RawEntry[]): void {
    const fresh = entries.filter(
      (raw) => !this.#holding.has(placeKey(raw)) && !this.#takenUp.has(placeKey(raw)),
    )
    this.#takenUp.clear()
    if (fresh.length === 0) return
    const helds = fresh.map(heldFrom)
    const starting = this.#start(id, fresh, helds)
    const good = helds.filter((held) => held !== null)
    if (this.#heartbeat.isFresh) {
      this.#takeAll(good)
      starting.catch((error) => this.#report(toError(error)))
    } else {
      // Perhaps this process was paused and is dead to the others: first hear what Redis says.
      starting.then(
        () => this.#takeAll(good.filter((held) => held.started)),
        (error) => this.#report(toError(error)),
      )
    }
  }

  async #start(id: string, entries: readonly RawEntry[], helds: readonly (Held | null)[]): Promise<void> {
    const delivered = entries.map((raw, index): Delivered => {
      const held = helds[index]
      const sample = held ? EMPTY : Buffer.concat(raw.fields.map((field) => field.subarray(0, 128)))
      return { lane: raw.lane, entry: raw.entry, id: held?.id ?? '', sample }
    })
    const answers = await insist(this.#patience, () => this.#services.store.start(id, delivered))
    if (answers === 'dead') {
      this.#dead(id)
      return
    }
    answers.forEach((answer, index) => {
      const held = helds[index]
      if (!held) return
      if (typeof answer === 'number') {
        held.started = true
        held.attempt = answer
      } else if (held.state !== 'finishing') {
        this.#holding.drop(held, `the task may not be run: ${answer}`)
      }
    })
  }

  /** From the pending list: delivered once, but the delivery was lost on its way. */
  async #takeUp(places: readonly Place[]): Promise<void> {
    const id = this.#id
    const entries = await this.#services.store.entries(places)
    const found = new Set(entries.map(placeKey))
    const deleted = places
      .filter((place) => !found.has(placeKey(place)))
      .map((place) => ({ ...place, fields: [] }))
    const all = [...entries, ...deleted].filter((raw) => !this.#holding.has(placeKey(raw)))
    if (all.length === 0 || this.#state !== 'running') return
    if (this.#reading) for (const raw of all) this.#takenUp.add(placeKey(raw))
    const helds = all.map(heldFrom)
    await this.#start(id, all, helds)
    this.#takeAll(helds.filter((held) => held?.started && !this.#holding.has(held.key)) as Held[])
  }

  #lost(held: Held, reason: string): void {
    this.#holding.drop(held, reason)
    this.emit('fenced', held.id)
  }

  async #giveBack(helds: readonly Held[], begun: boolean): Promise<void> {
    if (helds.length === 0) return
    const places = helds.map(({ lane, entry }) => ({ lane, entry, begun }))
    await insist(this.#patience, () => this.#services.store.release(this.#id, places))
  }

  async #stop(timeout: number): Promise<void> {
    const wasRegistered = this.#state === 'running'
    this.#state = wasRegistered ? 'draining' : 'stopped'
    const cut = new Promise<void>((resolve) => {
      this.#cutShort = resolve
    })
    if (wasRegistered) {
      try {
        await this.#drain(timeout, cut)
        await this.#leave()
      } catch (error) {
        // Redis is away: the others recover what is left when the lease ends.
        this.#report(toError(error))
      }
    }
    this.#state = 'stopped'
    this.#fetcher.close()
    await Promise.all([this.#loops.recover.stop(), this.#loops.reconcile.stop(), this.#heartbeat.stop()])
    this.emit('stopped')
  }

  async #drain(timeout: number, cut: Promise<void>): Promise<void> {
    await this.#loops.reconcile.stop()
    await this.#fetcher.unblock(this.#services.commands)
    this.#leaveBy = performance.now() + timeout + LEAVE_TIMEOUT
    const waiting = this.#giveBack(this.#holding.dropWaiting(), false)
    await within(timeout, this.#holding.idle(), cut)
    await waiting
    this.#leaveBy = performance.now() + LEAVE_TIMEOUT
    if (this.#holding.active > 0) {
      this.#holding.abortAll('the worker stops')
      await within(ABORT_GRACE, this.#holding.idle())
      await this.#giveBack(this.#holding.dropAll('the worker stops'), true)
    }
    await within(LEAVE_TIMEOUT, this.#turns.settled())
    await within(LEAVE_TIMEOUT, this.#reading ?? Promise.resolve())
  }

  async #leave(): Promise<void> {
    const { store } = this.#services
    const id = this.#id
    while ((await insist(this.#patience, () => store.leave(id))) > 0) {
      const places = await store.pending(id, 1_000)
      await store.release(
        id,
        places.map((place) => ({ ...place, begun: false })),
      )
    }
    this.#id = ''
  }

  #report(error: Error): void {
    if (this.#state !== 'stopped') report(this, error)
  }
}

const READ_PAUSE = 200
const EMPTY = Buffer.alloc(0)

/** Resolves when one of them does, or after `timeout` ms. */
async function within(timeout: number, ...either: Promise<void>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeout)
  })
  await Promise.race([over, ...either])
  clearTimeout(timer)
}
