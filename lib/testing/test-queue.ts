/**
 * A queue for tests: the same life of a task, in this process, with the clock and the work in the test's hand. For any
 * test library: it needs none, and none of its fakes.
 */

import type { TaskHandle } from '../call/handle.ts'
import { Bench } from '../inline/bench.ts'
import { flag, optionalMoment } from '../options.ts'
import { Queue } from '../queue.ts'
import type { QueueOptions } from '../queue-options.ts'
import type { TaskInfo } from '../record.ts'

export interface TestQueueOptions extends Omit<QueueOptions, 'redis' | 'inline'> {
  /** Calls begin by themselves, as on an inline queue; time still stands. Default false: `drain` and `advance` run them. */
  readonly auto?: boolean
  /** What the clock shows at first: a Date or epoch ms. Default: the time. */
  readonly now?: Date | number
}

export interface TestClock {
  /** Epoch ms. */
  readonly now: number
  /**
   * Moves the clock by so many ms: what is due on the way begins, expires or times out in its order, each at its
   * moment. Does not wait for handlers that wait for something else than the clock: `drain` does.
   */
  advance(ms: number): Promise<void>
}

/** What a task is called by, or its callable. */
type TaskName = string | { readonly taskName: string }

export class TestQueue extends Queue {
  readonly #bench: Bench

  /** Made by `createTestQueue`. */
  constructor(name: string, options: TestQueueOptions = {}) {
    const { auto, now, ...rest } = options
    const bench = new Bench(
      optionalMoment()('createTestQueue: now', now) ?? Date.now(),
      flag(false)('createTestQueue: auto', auto),
    )
    super(name, { ...rest, inline: true }, bench)
    this.#bench = bench
  }

  /**
   * Time stands still until it is moved here. Delays, backoffs, `ttl`, `keyTtl`, deadlines, timeouts, `get({ timeout })`
   * and retention all follow this clock.
   */
  get clock(): TestClock {
    const { clock } = this.#bench
    return {
      get now() {
        return clock.now
      },
      advance: (ms) => this.#bench.advance(ms),
    }
  }

  /**
   * Runs what is due, and what that calls, until nothing is queued or running; what only the clock can set going stays.
   * Answers the tasks that ran, in the order in which they first began, as they stand now.
   */
  async drain(): Promise<TaskInfo[]> {
    return (await this.#bench.drain()).map((record) => this.#bench.describe(record))
  }

  /**
   * Calls the task, drains, and tells how it stands: its result or error, or when its next attempt is due. Does not
   * reject where the task failed, only where the call did.
   */
  async runTask<Args extends unknown[], Result>(
    task: (...args: Args) => TaskHandle<Result>,
    ...args: Args
  ): Promise<TaskInfo & { readonly result: Result | undefined }> {
    const handle = task(...args)
    await handle.enqueued
    await this.drain()
    return (await handle.info()) as TaskInfo & { readonly result: Result | undefined }
  }

  /**
   * Every call that became a task, of this name or of any, in their order: arguments, however large, and how each
   * stands now, also of those whose retention is over. Calls that joined another task are not there.
   */
  calls(task?: TaskName): readonly TaskInfo[] {
    const name = typeof task === 'string' ? task : task?.taskName
    const infos = this.#bench.enqueued.map(({ record, call }) => this.#bench.describe(record, call))
    return name === undefined ? infos : infos.filter((info) => info.name === name)
  }
}

/** name: of the queue. Nothing runs and no time passes before the test says so. Throws OptionError. */
export const createTestQueue = (name = 'test', options?: TestQueueOptions): TestQueue =>
  new TestQueue(name, options)
