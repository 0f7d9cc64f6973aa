/**
 * Calls by the hundred thousand: made as fast as Redis takes them, so that only some of them wait in this process,
 * however many there are to come. Each is accepted or refused for itself.
 */

import { type MillraceError, OptionError } from '../errors.ts'
import { show } from '../options.ts'
import { TaskHandle } from './handle.ts'
import { makeCall } from './make.ts'
import { PreparedCall } from './prepared.ts'

/** Calls that Redis has not answered yet, at most: some batches, so that it always has one to work at. */
export const MOST_CALLS = 2_048
/** Of them, packed; one call that is larger goes alone. */
const MOST_BYTES = 8 * 1024 * 1024

export interface EnqueuedCall<R = unknown> {
  readonly handle: TaskHandle<R>
  /** Why it was not accepted: EnqueueError, QueueFullError, UnknownParentError. Undefined: it was. */
  readonly error: MillraceError | undefined
}

/** What became of each, in order. Throws what the iterable throws; OptionError for what is no prepared call. */
export async function enqueueMany<R>(
  calls: Iterable<PreparedCall<R>> | AsyncIterable<PreparedCall<R>>,
): Promise<EnqueuedCall<R>[]> {
  // Of a list all is known: nothing is sent where one cannot be.
  if (Array.isArray(calls)) calls.forEach(check)
  const window = new Window()
  const all: EnqueuedCall<R>[] = []
  const add = (call: PreparedCall<R>): void => {
    check(call, all.length)
    all.push(window.add(call))
  }
  if (typeof calls === 'object' && calls !== null && Symbol.asyncIterator in calls) {
    for await (const call of calls) {
      add(call)
      if (window.isFull) await window.room()
    }
  } else if (typeof calls === 'object' && calls !== null && Symbol.iterator in calls) {
    for (const call of calls) {
      add(call)
      if (window.isFull) await window.room()
    }
  } else {
    throw new OptionError(`queue.enqueueMany: expected an iterable of prepared calls (given: ${show(calls)})`)
  }
  await window.empty()
  return all
}

function check(call: unknown, index: number): void {
  if (!(call instanceof PreparedCall)) {
    const what = `queue.enqueueMany: item ${index} must be made by task.prepare(...)`
    throw new OptionError(`${what} (given: ${show(call)})`)
  }
  call.check?.()
}

/** Calls on their way, as many as there may be. */
class Window {
  #calls = 0
  #bytes = 0
  #wake = (): void => {}

  get isFull(): boolean {
    return this.#calls >= MOST_CALLS || this.#bytes >= MOST_BYTES
  }

  add<R>(prepared: PreparedCall<R>): EnqueuedCall<R> {
    const { services } = prepared
    services.checkOpen()
    const call = makeCall(services, prepared)
    const entry = { handle: new TaskHandle<R>(call.id, services, call), error: undefined }
    // Its transaction tells of it.
    if (call.batch.state === 'held') return entry
    const bytes = prepared.packed.length
    this.#calls += 1
    this.#bytes += bytes
    call.isObserved = true
    call.accepted
      .catch((error) => Object.assign(entry, { error }))
      .finally(() => {
        this.#calls -= 1
        this.#bytes -= bytes
        this.#wake()
      })
    return entry
  }

  /** For another half of them: batches are worth more when they are full. */
  room(): Promise<void> {
    return this.#until(() => this.#calls <= MOST_CALLS / 2 && this.#bytes <= MOST_BYTES / 2)
  }

  empty(): Promise<void> {
    return this.#until(() => this.#calls === 0)
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}
