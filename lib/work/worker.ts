/**
 * A worker's life: registers, keeps its heart beating, looks after dead neighbours and its own pending list, and
 * leaves cleanly. The tasks themselves go through its processor.
 *
 *   idle ──run──► starting ──► running ──stop──► draining ──► stopped
 *                    ▲            │
 *                    └── declared dead: everything is let go, and a new id is registered
 */

import { EventEmitter } from 'node:events'
import { hostname } from 'node:os'
import { OptionError } from '../errors.ts'
import { newWorkerId } from '../ids.ts'
import type { Recovery } from '../redis/store.ts'
import { report, toError } from '../report.ts'
import { Begun } from '../upkeep/begun.ts'
import { Heartbeat } from '../upkeep/heartbeat.ts'
import type { Loop } from '../upkeep/loop.ts'
import { reconcileLoop } from '../upkeep/reconcile.ts'
import { recoverLoop } from '../upkeep/recover.ts'
import { Processor } from './processor.ts'
import { insist, type Patience } from './retry.ts'
import type { WorkerServices } from './services.ts'

/** Options of a worker. Times in ms. */
export interface WorkerOptions {
  /** Handlers that run at once, at most. Default 10. */
  readonly concurrency?: number
  /**
   * Tasks held beyond those that run, at most, so that short ones follow each other without a round trip. The worker
   * fetches ahead what it runs in some 5 ms, nothing if tasks are long, and gives back what has to wait. 0: a task is
   * only taken when it can begin. Default 512.
   */
  readonly prefetch?: number
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

const READY_TIMEOUT = 2_000
/** Between tries to register. */
const REGISTER_PAUSE = 500
/** For handlers to heed their signal once the drain's time is over. */
const ABORT_GRACE = 500
/** For giving back and leaving, if Redis does not answer. */
const LEAVE_TIMEOUT = 5_000

export class Worker extends EventEmitter<WorkerEvents> {
  readonly #services: WorkerServices
  readonly #options: Required<WorkerOptions>
  readonly #processor: Processor
  readonly #heartbeat: Heartbeat
  readonly #recover: Loop
  readonly #reconcile: Loop
  readonly #patience: Patience
  #state: 'idle' | 'starting' | 'running' | 'draining' | 'stopped' = 'idle'
  #id = ''
  #leaveBy = Number.POSITIVE_INFINITY
  #cutShort = (): void => {}
  #stopping: Promise<void> | undefined

  /** Made by `queue.worker(options)`. */
  constructor(services: WorkerServices, options: Required<WorkerOptions>) {
    super()
    this.#services = services
    this.#options = options
    const { store, commands, limits, queue, namespace, target } = services
    const { concurrency, prefetch, lease, maxCrashes } = options
    const worker = (): string => this.#id
    const onDead = (id: string): void => this.#dead(id)
    const onError = (error: Error): void => this.#report(error)
    this.#patience = {
      ready: () => commands.ready(READY_TIMEOUT),
      isOver: () => this.#state === 'stopped' || performance.now() > this.#leaveBy,
    }
    const begun = new Begun()
    this.#heartbeat = new Heartbeat({
      ...{ target, namespace, queue, lease, begun, onDead, onError },
      onGivenBack: (keys) => processor.gaveBack(keys),
    })
    const processor = new Processor({
      ...{ services, concurrency, prefetch, begun, patience: this.#patience, onDead, onError },
      isFresh: () => this.#heartbeat.isFresh,
      onFenced: (id) => this.emit('fenced', id),
      onDoubt: () => this.#reconcile.kick(),
    })
    this.#processor = processor
    this.#recover = recoverLoop({
      ...{ store, worker, lease, maxCrashes, failedTtl: limits.failedTtl, maxFailed: limits.maxFailed },
      onRecovered: (recovery) => this.emit('recovered', recovery),
    })
    this.#reconcile = reconcileLoop({
      ...{ store, worker, onDead },
      held: () => processor.heldKeys(),
      isHeld: (key) => processor.isHeld(key),
      onStray: (places) => processor.takeUp(places),
      onLost: (keys) => processor.loseAll(keys),
    })
  }

  /** The id under which it is registered now; '' while it is not. */
  get id(): string {
    return this.#id
  }

  /** Takes and runs tasks; resolves when it is stopped. Runs once. */
  async run(): Promise<void> {
    if (this.#state === 'stopped') return
    if (this.#state !== 'idle') {
      throw new OptionError('worker.run: it runs already; make another with queue.worker()')
    }
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
    if (this.#stopping) setTimeout(this.#cutShort, timeout).unref()
    else this.#stopping = this.#stop(timeout)
    return this.#stopping
  }

  /** Keeps trying: a worker that was started before its Redis begins when Redis does. */
  async #register(): Promise<void> {
    const { commands, store } = this.#services
    const { lease, name, concurrency } = this.#options
    const id = newWorkerId(name)
    const details = { host: hostname(), pid: String(process.pid), concurrency: String(concurrency) }
    this.#state = 'starting'
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
    if (this.#state !== 'starting') {
      // Stopped meanwhile: nobody has to wait for the end of this lease.
      await store.leave(id).catch(() => {})
      return
    }
    this.#id = id
    this.#state = 'running'
    this.#heartbeat.follow(id)
    this.#recover.start()
    this.#reconcile.start()
    this.emit('ready', id)
    this.#processor.open(id)
  }

  #dead(id: string): void {
    if (id !== this.#id || this.#state !== 'running') return
    this.#id = ''
    this.#processor.abandon('this worker was declared dead; its tasks are given to others')
    this.emit('dead', id)
    void this.#register()
  }

  async #stop(timeout: number): Promise<void> {
    const wasRunning = this.#state === 'running'
    this.#state = wasRunning ? 'draining' : 'stopped'
    await Promise.all([this.#recover.stop(), this.#reconcile.stop()])
    if (wasRunning) {
      try {
        await this.#drain(timeout)
        await this.#leave()
      } catch (error) {
        // Redis is away: the others recover what is left when the lease ends.
        this.#report(toError(error))
      }
    }
    this.#state = 'stopped'
    this.#processor.close()
    await this.#heartbeat.stop()
    this.emit('stopped')
  }

  async #drain(timeout: number): Promise<void> {
    const cut = new Promise<void>((resolve) => {
      this.#cutShort = resolve
    })
    this.#leaveBy = performance.now() + timeout + LEAVE_TIMEOUT
    const shut = this.#processor.shut()
    await within(timeout, this.#processor.idle(), cut)
    this.#leaveBy = performance.now() + LEAVE_TIMEOUT
    await shut
    if (!this.#processor.isIdle) {
      this.#processor.abortAll('the worker stops')
      await within(ABORT_GRACE, this.#processor.idle())
      await this.#processor.giveBackAll('the worker stops')
    }
    await within(LEAVE_TIMEOUT, this.#processor.settled())
  }

  async #leave(): Promise<void> {
    const { store } = this.#services
    const id = this.#id
    const leave = (): Promise<number> => insist(this.#patience, () => store.leave(id))
    while ((await leave()) > 0 && !this.#patience.isOver()) {
      const places = await store.pending(id, 1_000)
      if (places === 'dead') break
      const strays = places.map((place) => ({ ...place, begun: false }))
      await store.release(id, strays)
    }
    this.#id = ''
  }

  #report(error: Error): void {
    if (this.#state !== 'stopped') report(this, error)
  }
}

/** Resolves when one of them does, or after `timeout` ms. */
async function within(timeout: number, ...either: Promise<void>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeout)
  })
  await Promise.race([over, ...either])
  clearTimeout(timer)
}
