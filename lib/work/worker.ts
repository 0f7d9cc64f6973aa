/**
 * A worker's life: registers, keeps its heart beating, looks after dead neighbours and its own pending list, and
 * leaves cleanly. The tasks themselves go through its processor.
 *
 *   idle ──run──► starting ──► running ──stop──► draining ──► stopped
 *                    ▲            │
 *                    └── declared dead: everything is let go, and a new id is registered
 */

import { EventEmitter } from 'node:events'
import { Clock } from '../clock.ts'
import { OptionError } from '../errors.ts'
import { newWorkerId } from '../ids.ts'
import type { Settings } from '../redis/admin.ts'
import type { HealthOptions } from '../redis/probe.ts'
import { report, toError } from '../report.ts'
import { Begun } from '../upkeep/begun.ts'
import { Cron } from '../upkeep/cron.ts'
import type { DueLoop } from '../upkeep/due.ts'
import { Heartbeat } from '../upkeep/heartbeat.ts'
import type { Loop } from '../upkeep/loop.ts'
import { Outbox } from '../upkeep/outbox.ts'
import { Promoter } from '../upkeep/promote.ts'
import { reconcileLoop } from '../upkeep/reconcile.ts'
import { recoverLoop } from '../upkeep/recover.ts'
import { unparkLoop } from '../upkeep/unpark.ts'
import { Watch } from '../upkeep/watch.ts'
import { Broadcast } from './broadcast.ts'
import { examine, type WorkerHealth, type WorkerState } from './health.ts'
import { observerOf } from './observer.ts'
import { Orders } from './orders.ts'
import { Processor } from './processor.ts'
import { leave, READY_TIMEOUT, register } from './registration.ts'
import type { Patience } from './retry.ts'
import type { WorkerServices } from './services.ts'
import { within } from './within.ts'
import type { WorkerEvents, WorkerOptions } from './worker-options.ts'

/** By one word, ms. */
const MOST_WATCHED = 60_000
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
  /** By the word on which each looks sooner. */
  readonly #planned: ReadonlyMap<string, DueLoop>
  readonly #unpark: Loop
  readonly #broadcast: Broadcast
  readonly #clock = new Clock()
  readonly #patience: Patience
  readonly #orders: Orders
  /** It was told to take nothing more, under this id or one before. */
  #isQuiet = false
  #state: WorkerState = 'idle'
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
    const { concurrency, prefetch, lease, maxCrashes, abortGrace, onOverrun } = options
    const { failedTtl, maxFailed } = limits
    const clock = this.#clock
    const worker = (): string => this.#id
    const onDead = (id: string): void => this.#dead(id)
    const onError = (error: Error): void => this.#report(error)
    this.#patience = {
      ready: () => commands.ready(READY_TIMEOUT),
      isOver: () => this.#state === 'stopped' || performance.now() > this.#leaveBy,
    }
    this.#orders = new Orders({
      ...{ admin: services.admin, patience: this.#patience, worker },
      obey: (settings) => this.#obey(settings),
    })
    this.#broadcast = new Broadcast({ emitter: this, worker, publish: (message) => store.tell(message) })
    const begun = new Begun()
    const watch = new Watch()
    this.#heartbeat = new Heartbeat({
      ...{ target, namespace, queue, lease, failedTtl, maxFailed, begun, watch, onDead, onError },
      beat: (id) => commands.ready(READY_TIMEOUT).then(() => store.beat(id, lease)),
      onGivenBack: (keys) => processor.gaveBack(keys),
    })
    const processor = new Processor({
      ...{ services, concurrency, prefetch, begun, maxCrashes, clock, abortGrace, onDead, onError },
      ...{ watch: onOverrun === 'exit' ? watch : undefined, observer: observerOf(this, onError) },
      patience: this.#patience,
      isFresh: () => this.#heartbeat.isFresh,
      onFenced: (id) => this.emit('fenced', id),
      onDoubt: () => this.#doubt(),
      onWord: (word) => this.#onWord(word),
      onPaused: () => {
        processor.isPaused = true
      },
    })
    this.#processor = processor
    this.#recover = recoverLoop({
      ...{ store, worker, lease, maxCrashes, failedTtl, maxFailed },
      onRecovered: (recovery) => this.emit('recovered', recovery),
    })
    this.#reconcile = reconcileLoop({
      ...{ store, worker, onDead },
      held: () => processor.held.keys(),
      isHeld: (key) => processor.held.has(key),
      onStray: (places) => processor.takeUp(places),
      onLost: (keys) => processor.loseAll(keys),
      onCancelled: (keys) => {
        // While it is paused it reads nothing, and would not see that its connection is gone.
        if (processor.isPaused) void this.#orders.read()
        for (const key of keys) processor.cancel(key, 'the task was cancelled')
      },
    })
    this.#unpark = unparkLoop({
      ...{ store, worker },
      names: () => [...services.registry.keys()],
      room: () => (processor.isPaused ? 0 : processor.held.room),
      onTaken: () => this.#reconcile.kick(),
    })
    const { schedules, letters, reach } = services
    this.#planned = new Map<string, DueLoop>([
      ['due', new Promoter({ store, clock, failedTtl, maxFailed })],
      ['slot', new Cron({ schedules, onProblem: onError })],
      ['outbox', new Outbox({ home: queue, letters, store, reach, kept: limits, onProblem: onError })],
    ])
  }

  /** The id under which it is registered now; '' while it is not. */
  get id(): string {
    return this.#id
  }

  /** How it stands, proved by a script that Redis runs now. Whatever is wrong with Redis, it answers in time. Throws OptionError. */
  health(options?: HealthOptions): Promise<WorkerHealth> {
    const { commands, admin } = this.#services
    const own = { processor: this.#processor, heartbeat: this.#heartbeat, lease: this.#options.lease }
    const now = (): { state: WorkerState; id: string } => ({ state: this.#state, id: this.#id })
    return examine({ commands, admin, ...own, now }, options)
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

  async #register(): Promise<void> {
    const id = newWorkerId(this.#options.name)
    this.#state = 'starting'
    const isRegistered = await register(this.#services, {
      ...{ id, options: this.#options, isQuiet: this.#isQuiet },
      isWanted: () => this.#state === 'starting',
      onError: (error) => this.#report(error),
    })
    if (!isRegistered) return
    this.#id = id
    this.#state = 'running'
    this.#heartbeat.follow(id)
    this.#services.seen()
    this.#recover.start()
    this.#reconcile.start()
    for (const loop of this.#planned.values()) loop.start()
    await this.#orders.read()
    // Stopped or declared dead meanwhile: it must not open behind its own end.
    if (!this.#isRunning(id)) return
    this.emit('ready', id)
    this.#processor.open(id)
    this.#unpark.start()
  }

  /** A connection was made anew: what was told meanwhile is asked for. */
  #doubt(): void {
    this.#reconcile.kick()
    for (const loop of this.#planned.values()) loop.due(0)
    this.#unpark.kick()
    void this.#orders.read()
  }

  /**
   * `due <ms>`, `slot <ms>`: a task, a schedule is due sooner than all others · `outbox`: there are letters · `parked <name>`: another worker did not know a task of that
   * name · `settings`, `paused`: an operator has changed them · `order <id>`, `order`: he has told that worker, or all ·
   * `question <id> <question>`: he asks what that worker is doing · `watch <ms>`: somebody listens to what workers do.
   */
  #onWord(word: string): void {
    const [verb, detail, more] = word.split(' ')
    const { registry } = this.#services
    const planned = this.#planned.get(verb ?? '')
    if (planned) planned.due(Number(detail) || 0)
    else if (verb === 'parked' && registry.has(detail ?? '')) this.#unpark.kick()
    else if (verb === 'settings' || verb === 'paused') void this.#orders.read()
    else if (verb === 'order' && (detail ?? this.#id) === this.#id) void this.#orders.read()
    else if (verb === 'watch') this.#broadcast.watched(Math.min(Number(detail) || 0, MOST_WATCHED))
    else if (verb === 'question' && detail === this.#id && more) this.#heartbeat.asked(more)
  }

  #obey({ isPaused, concurrency, order }: Settings): void {
    if (order === 'stop' && !this.#stopping) void this.stop()
    this.#isQuiet ||= order === 'quiet'
    this.#processor.isPaused = isPaused || this.#isQuiet
    this.#processor.concurrency = concurrency ?? this.#options.concurrency
  }

  #isRunning(id: string): boolean {
    return id === this.#id && this.#state === 'running'
  }

  #dead(id: string): void {
    if (!this.#isRunning(id)) return
    this.#id = ''
    this.#processor.abandon('this worker was declared dead; its tasks are given to others')
    this.emit('dead', id)
    void this.#register()
  }

  async #stop(timeout: number): Promise<void> {
    // Before anything is waited for: the call that cuts this one short may come meanwhile.
    const cut = new Promise<void>((resolve) => {
      this.#cutShort = resolve
    })
    const wasRunning = this.#state === 'running'
    this.#state = wasRunning ? 'draining' : 'stopped'
    // For people, who see it in the list.
    if (wasRunning) void this.#services.admin.order('stop', this.#id).catch(() => {})
    await Promise.all([
      this.#recover.stop(),
      this.#reconcile.stop(),
      ...[...this.#planned.values()].map((loop) => loop.stop()),
      this.#unpark.stop(),
    ])
    if (wasRunning) {
      try {
        await this.#drain(timeout, cut)
        await leave(this.#services, this.#patience, this.#id)
        this.#id = ''
      } catch (error) {
        // Redis is away: the others recover what is left when the lease ends.
        this.#report(toError(error))
      }
    }
    this.#state = 'stopped'
    this.#processor.close()
    await this.#heartbeat.stop()
    this.emit('stopped')
    this.#broadcast.stop()
  }

  async #drain(timeout: number, cut: Promise<void>): Promise<void> {
    this.#leaveBy = performance.now() + timeout + LEAVE_TIMEOUT
    const shut = this.#processor.shut(timeout === 0)
    await within(timeout, this.#processor.held.idle(), cut)
    this.#leaveBy = performance.now() + LEAVE_TIMEOUT
    await shut
    if (!this.#processor.held.isIdle) {
      this.#processor.held.abortAll('the worker stops')
      await within(ABORT_GRACE, this.#processor.held.idle())
      await this.#processor.giveBackAll('the worker stops')
    }
    await within(LEAVE_TIMEOUT, this.#processor.settled())
  }

  #report(error: Error): void {
    if (this.#state !== 'stopped') report(this, error)
  }
}
