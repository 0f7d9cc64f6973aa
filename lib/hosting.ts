/**
 * Between queues and a program that loads the modules which make them, such as the command `millrace`: it hears of each
 * queue, and may give it what its own options do not say. By node:diagnostics_channel, so that it works where the
 * modules' copy of this package is another than the program's too.
 */

import { channel } from 'node:diagnostics_channel'

interface Announcement<Q, O> {
  readonly queue: Q
  /** For the one who hears of it to add to. */
  readonly options: Partial<O>
}

const queues = channel('millrace.queue')

/** What a new queue goes by: its own options, and for what they leave out those of the program that hosts it. */
export function hosted<O extends { readonly inline?: boolean }>(
  queue: object,
  options: O | undefined,
): O | undefined {
  // What is no object is refused where options are resolved.
  if (
    !queues.hasSubscribers ||
    (options !== undefined && (typeof options !== 'object' || options === null))
  ) {
    return options
  }
  const announcement: Announcement<object, O> = { queue, options: {} }
  queues.publish(announcement)
  return options?.inline ? options : ({ ...announcement.options, ...onlyGiven(options) } as O)
}

/** Calls `hear` for each queue that is made from now on, with an object for its options; answers how to end that. */
export function hearOfQueues<Q extends object, O>(hear: (queue: Q, options: Partial<O>) => void): () => void {
  const onQueue = (message: unknown): void => {
    const { queue, options } = message as Announcement<Q, O>
    hear(queue, options)
  }
  queues.subscribe(onQueue)
  return () => queues.unsubscribe(onQueue)
}

const onlyGiven = (options: object | undefined): object =>
  Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined))
