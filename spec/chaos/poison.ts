/** Tasks that harm the process that runs them, beside the usual ones: a worker process of its own kind. */

import { tmpdir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { currentTask, type Queue } from '../../lib/index.ts'
import type { Journal } from './journal.ts'
import { defineMix } from './mix.ts'
import { defineTasks, noting, serve } from './worker.ts'

/** Of those that do not end by themselves, ms. */
const TIMEOUT = 400
const MIB = 1024 * 1024

export function definePoison(queue: Queue, journal?: Journal) {
  const noted = noting(journal)
  /** Harms after a while, so that others have begun beside it. */
  const later = async (ms: number, harm: () => unknown): Promise<unknown> => {
    await delay(ms)
    return harm()
  }
  return {
    /** These end their process. */
    abort: queue.task('abort', (ms: number) => noted(() => later(ms, () => process.abort()))),
    segfault: queue.task('segfault', (ms: number) =>
      noted(() => later(ms, () => process.kill(process.pid, 'SIGSEGV')).then(() => delay(60_000))),
    ),
    heap: queue.task('heap', (ms: number) =>
      noted(() =>
        later(ms, () => {
          for (const hoard: unknown[] = []; ; ) hoard.push(new Array(100_000).fill(hoard.length))
        }),
      ),
    ),
    /** The watchdog ends its process. */
    loop: queue.task(
      'loop',
      (_ms: number) =>
        noted(() => {
          for (;;);
        }),
      { timeout: TIMEOUT },
    ),
    /** These cost nobody but themselves. */
    never: queue.task('never', (_ms: number) => noted(() => new Promise(() => {})), { timeout: TIMEOUT }),
    giant: queue.task('giant', (ms: number) => noted(() => later(ms, () => Buffer.alloc(8 * MIB)))),
    /** On stdout, and as progress. */
    flood: queue.task('flood', (ms: number) =>
      noted(() =>
        later(ms, () => {
          for (let n = 0; n < 2_000; n++) {
            console.log('.'.repeat(2_048))
            void currentTask().updateProgress({ n })
          }
          return ms
        }),
      ),
    ),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await serve((queue, journal) => {
    // Where the system writes down the memory of those who die, it is not to be in the project.
    process.chdir(tmpdir())
    defineTasks(queue, journal)
    defineMix(queue, journal)
    definePoison(queue, journal)
  })
}
