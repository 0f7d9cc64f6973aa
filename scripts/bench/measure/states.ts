/** What is there while the same work is measured: nothing, more and more that waits, much that is kept. */

import { loadSystem } from '../systems/index.ts'
import { type Bench, expectOpen, type Figures, openWorker, type Subject, whenRan } from './bench.ts'

export interface State {
  readonly waiting: number
  readonly finished: number
}

/** Tasks to an order: a million promises at once would measure the heap. */
const CHUNK = 50_000
const FINISH_CONCURRENCY = 500

/** By position, so that the rows of a quick and of a full run have the same names. */
const POSITIONS = ['empty', 'some', 'many', 'kept'] as const

/** 0, 10,000 and `largest` waiting; nothing waiting and `largest` finished. */
const statesOf = (largest: number): readonly State[] => [
  { waiting: 0, finished: 0 },
  { waiting: Math.min(10_000, largest), finished: 0 },
  { waiting: largest, finished: 0 },
  { waiting: 0, finished: largest },
]

/**
 * <what>_<position>: each figure in each state; <what>_many_slope, <what>_kept_slope: that divided by the same with
 * nothing there: 1 is flat.
 */
export async function inEachState(
  largest: number,
  measure: (state: State) => Promise<Figures>,
): Promise<Figures> {
  const figures: Record<string, number> = {}
  const names = new Set<string>()
  for (const [index, state] of statesOf(largest).entries()) {
    for (const [what, value] of Object.entries(await measure(state))) {
      figures[`${what}_${POSITIONS[index]}`] = value
      names.add(what)
    }
  }
  for (const what of names) {
    for (const position of ['many', 'kept']) {
      const [from, to] = [figures[`${what}_empty`], figures[`${what}_${position}`]]
      if (from !== undefined && to !== undefined) figures[`${what}_${position}_slope`] = to / from
    }
  }
  return figures
}

/** One chunk after the other. */
export async function inChunks(
  tasks: number,
  enqueue: (chunk: { readonly way: 'bulk'; readonly bytes: 0; readonly tasks: number }) => Promise<unknown>,
): Promise<void> {
  for (let done = 0; done < tasks; done += CHUNK) {
    await enqueue({ way: 'bulk', bytes: 0, tasks: Math.min(CHUNK, tasks - done) })
  }
}

/** So many tasks, those that `enqueue` adds among them, are run before anything is measured, and kept. */
export async function finish(
  bench: Bench,
  subject: Subject,
  tasks: number,
  enqueue: () => Promise<void>,
): Promise<void> {
  const { system } = subject
  await openWorker(bench, subject, { concurrency: FINISH_CONCURRENCY, handler: 'noop', tasks, skip: 0 })
  await enqueue()
  await whenRan(bench, system, tasks)
  const ran = await bench.crew.tell(system, 'worker', 'closeWorker')
  if (ran !== tasks) throw new Error(`${system}: ${tasks} tasks, but handlers ran ${ran} times`)
  await expectOpen(bench, system, 0)
  // To look into a million of them would weigh on what is measured next.
  const records = await (await loadSystem(system)).countRecords(bench.server.redis)
  if (records < tasks)
    throw new Error(`${system}: ${tasks} tasks should be kept, there are ${records} records`)
}
