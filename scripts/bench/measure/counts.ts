import { setTimeout as delay } from 'node:timers/promises'
import { spreadOf } from '../statistics.ts'
import { expectOpen, type Figures, type Measure, withProducer } from './bench.ts'
import { finish, inChunks, inEachState } from './states.ts'

const CALLS = 1_000
/**
 * Producer and server wake each other on one core or on two, which changes the figure more than what is counted, and
 * stays so until both have slept. So they are asked several times, with pauses.
 */
const BLOCKS = 10
const PAUSE_MS = 100

/** counts_<position> and slopes: from a question how many tasks there are to its answer, one by one, p50, µs. */
export const counts: Measure = (bench, subject, largest) =>
  inEachState(largest, async ({ waiting, finished }): Promise<Figures> => {
    const { crew, server } = bench
    const { system } = subject
    // A producer for each chunk: some keep every task in memory for as long as they are open.
    const enqueue = (tasks: number): Promise<void> =>
      inChunks(tasks, (chunk) =>
        withProducer(bench, subject, { rpc: false }, () => crew.tell(system, 'producer', 'enqueue', chunk)),
      )
    await server.empty()
    if (finished > 0) await finish(bench, subject, finished, () => enqueue(finished))
    await enqueue(waiting)
    await expectOpen(bench, system, waiting)
    const order = { calls: CALLS, waiting, completed: finished }
    return withProducer(bench, subject, { rpc: false }, async () => {
      const found: number[] = []
      for (let block = 0; block < BLOCKS; block++) {
        await delay(PAUSE_MS)
        found.push((await crew.tell(system, 'producer', 'counts', order)).p50)
      }
      return { counts: spreadOf(found)!.median }
    })
  })
