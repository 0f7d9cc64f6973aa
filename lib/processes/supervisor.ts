/**
 * Keeps several processes of one program running: starts again what dies, changes them one by one for new ones, drains
 * them all. It does none of their work, and knows nothing of Redis or tasks.
 *
 *   idle ──run──► running ──stop──► draining ──► ended
 */

import { EventEmitter } from 'node:events'
import type { Forked, Program } from './forked.ts'
import { Slot } from './slot.ts'

const STOP_TIMEOUT = 30_000
const READY_TIMEOUT = 60_000
/** For a child to give back what it holds: a worker's stop without a drain takes 6 s if Redis does not answer. */
const HURRY_TIMEOUT = 8_000

export interface SupervisorOptions extends Program {
  /** How many run at once. A replacement runs besides until its predecessor has ended. */
  readonly processes: number
  /** How long a child may take to end before it is killed, ms. Default 30,000. */
  readonly stopTimeout?: number
  /** How long a replacement may take to be ready before it is given up, ms. Default 60,000. */
  readonly readyTimeout?: number
}

/** Of a child; `slot`: its place, from 1. */
export interface SupervisorEvents {
  started: [child: { readonly slot: number; readonly pid: number }]
  /** It said so. */
  ready: [child: { readonly slot: number; readonly pid: number }]
  /** It asked for another in its place. */
  replacing: [child: { readonly slot: number; readonly pid: number; readonly why: string }]
  /** It was to take another's place, and is told to end, because it was not ready in time; the other one goes on. */
  late: [child: { readonly slot: number; readonly pid: number; readonly why: string }]
  /** It was sent SIGKILL by this supervisor; `ended` follows. */
  killed: [child: { readonly slot: number; readonly pid: number; readonly why: string }]
  /** `why` goes on after its name: `exited with code 1`. `asked`: it had been told to end. No pid: it never began. */
  ended: [
    child: {
      readonly slot: number
      readonly pid: number | undefined
      readonly code: number | null
      readonly signal: NodeJS.Signals | null
      readonly why: string
      readonly asked: boolean
    },
  ]
  /** Another is started in its place in `delay` ms. */
  restarting: [slot: { readonly slot: number; readonly delay: number }]
  /**
   * It does the work of `old`, which has ended; `why`: how that one died, or why it was changed for another. ms: since it
   * died, or since its replacement began.
   */
  replaced: [
    child: {
      readonly slot: number
      readonly pid: number
      readonly old: number | undefined
      readonly why: string
      readonly ms: number
    },
  ]
}

export class Supervisor extends EventEmitter<SupervisorEvents> {
  readonly processes: number
  /** As the option says; what is changed holds for those that are told to end later. */
  stopTimeout: number
  readonly #slots: Slot[]
  #running: Promise<void> | undefined
  #finish = (): void => {}
  #reloading: Promise<boolean> | undefined
  #following: Promise<boolean> | undefined
  readonly #finished = new Promise<void>((resolve) => {
    this.#finish = resolve
  })

  constructor(options: SupervisorOptions) {
    super()
    const { processes, stopTimeout = STOP_TIMEOUT, readyTimeout = READY_TIMEOUT, ...program } = options
    this.processes = processes
    this.stopTimeout = stopTimeout
    this.#slots = Array.from({ length: processes }, (_, i) => this.#slot(i + 1, program, readyTimeout))
  }

  /** How many do their work now. */
  get ready(): number {
    return this.#slots.filter(({ isReady }) => isReady).length
  }

  /** Resolves when all have ended, after `stop()` or because they were done. Safe twice. */
  run(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#finished
      for (const slot of this.#slots) slot.start()
    }
    return this.#running
  }

  /** SIGTERM to all, SIGKILL to who still runs after `timeout` ms (default `stopTimeout`; 0: at once). Safe twice. */
  stop({ timeout = this.stopTimeout }: { readonly timeout?: number } = {}): Promise<void> {
    return this.#end((slot) => slot.stop(timeout))
  }

  /** Tells all to give back what they hold and to end at once, and kills who does not within 8 s. Safe twice. */
  hurry(): Promise<void> {
    return this.#end((slot) => slot.hurry(HURRY_TIMEOUT))
  }

  /**
   * Changes them for new ones, one by one: the next is started, its predecessor ends when it is ready. One that dies
   * or is late ends the reload, and its predecessor goes on: false. Called while one is under way, another follows it.
   */
  reload(why = 'it was to begin anew'): Promise<boolean> {
    if (!this.#reloading) {
      this.#reloading = this.#reload(why).finally(() => {
        this.#reloading = undefined
      })
      return this.#reloading
    }
    this.#following ??= this.#reloading.then(() => {
      this.#following = undefined
      return this.reload(why)
    })
    return this.#following
  }

  async #reload(why: string): Promise<boolean> {
    if (!this.#running) return false
    for (const slot of this.#slots) if (!(await slot.replace(why))) return false
    return true
  }

  async #end(how: (slot: Slot) => Promise<void>): Promise<void> {
    await Promise.all(this.#slots.map(how))
    this.#finish()
  }

  #slot(number: number, program: Program, readyTimeout: number): Slot {
    const named = (child: Forked): { slot: number; pid: number } => ({ slot: number, pid: child.pid! })
    return new Slot({
      ...{ number, program, readyTimeout },
      stopTimeout: () => this.stopTimeout,
      onStarted: (child) => this.emit('started', named(child)),
      onReady: (child) => this.emit('ready', named(child)),
      onReplacing: (child, why) => this.emit('replacing', { ...named(child), why }),
      onLate: (child, why) => this.emit('late', { ...named(child), why }),
      onKilled: (child, why) => this.emit('killed', { ...named(child), why }),
      onRestarting: (delay) => this.emit('restarting', { slot: number, delay }),
      onReplaced: (child, { pid: old, why, since }) => {
        const ms = Math.round(performance.now() - since)
        this.emit('replaced', { ...named(child), old, why, ms })
      },
      onEnded: ({ pid }, { code, signal, why, asked }) => {
        this.emit('ended', { slot: number, pid, code, signal, why, asked })
        if (this.#slots.every(({ isOver }) => isOver)) this.#finish()
      },
    })
  }
}
