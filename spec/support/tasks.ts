/** The tasks that specs run in worker processes: `node --import tsx spec/support/tasks.ts [worker options as JSON]`; several in a list: as many workers. */

import { appendFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { currentTask, Queue, type WorkerOptions } from '../../lib/index.ts'

const { REDIS_URL, JOURNAL } = process.env

/** `id pid what`, one line each, written in one piece: the oracle of what really ran, outside of Redis. */
const journal = (what: string): void => {
  if (JOURNAL) appendFileSync(JOURNAL, `${currentTask().id} ${process.pid} ${what}\n`)
}

export function defineTasks(queue: Queue) {
  return {
    add: queue.task('add', (a: number, b: number) => {
      journal('start')
      return a + b
    }),
    /** Says that it runs, then takes its time. */
    slow: queue.task('slow', async (ms: number) => {
      journal('start')
      console.log(`running ${currentTask().id} attempt ${currentTask().attempt}`)
      await delay(ms)
      journal('end')
      return process.pid
    }),
    /** Blocks the event loop. Its time runs when it says so: who hears that may stop the process before the next line. */
    block: queue.task('block', (ms: number) => {
      journal('start')
      const end = performance.now() + ms
      console.log(`blocking ${currentTask().id}`)
      while (performance.now() < end);
      return process.pid
    }),
    /** Blocks the event loop in its first attempt. */
    blockOnce: queue.task('blockOnce', (ms: number) => {
      const end = performance.now() + (currentTask().attempt === 1 ? ms : 0)
      console.log(`blocking ${currentTask().id} attempt ${currentTask().attempt}`)
      while (performance.now() < end);
      return process.pid
    }),
    /** Never ends its first attempt. */
    hangOnce: queue.task('hangOnce', async () => {
      journal('start')
      if (currentTask().attempt === 1) await delay(600_000)
      journal('end')
    }),
    /** Runs until it is aborted, and says why. */
    patient: queue.task('patient', async () => {
      journal('start')
      console.log(`running ${currentTask().id}`)
      const { signal } = currentTask()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      console.log(`aborted: ${signal.reason.message}`)
      return 'late'
    }),
    steps: queue.task('steps', async (count: number, ms: number) => {
      for (let i = 1; i <= count; i++) {
        await queue.updateProgress({ step: i, of: count })
        await delay(ms)
      }
      return count
    }),
    echo: queue.task('echo', (value: unknown) => value),
    /** Reports in its first attempt until it is aborted; a later one says nothing. */
    chatter: queue.task('chatter', async () => {
      const { attempt, signal, id } = currentTask()
      console.log(`running ${id} attempt ${attempt}`)
      for (let i = 1; attempt === 1 && !signal.aborted; i++) {
        void queue.updateProgress(i)
        await delay(1)
      }
      if (attempt === 1) console.log('aborted')
      else await delay(600_000, undefined, { signal })
    }),
    /** Yields 1 to n, and journals how far it came; throws in the place of one of them. */
    count: queue.task('count', async function* (n: number, badAt = 0) {
      try {
        for (let i = 1; i <= n; i++) {
          journal(`at ${i}`)
          if (i === badAt) throw new RangeError(`not ${i}`)
          yield i
        }
        return `counted ${n}`
      } finally {
        journal('end')
      }
    }),
    /** The same, without waiting for anybody. */
    flood: queue.task(
      'flood',
      function* (n: number) {
        for (let i = 1; i <= n; i++) yield i
      },
      { onStreamFull: 'drop', streamBuffer: 10 },
    ),
    /** Dies in the middle. */
    die: queue.task('die', async () => {
      journal('start')
      process.kill(process.pid, 'SIGKILL')
      await delay(60_000)
    }),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const queue = new Queue('spec', { redis: REDIS_URL as string })
  defineTasks(queue)
  const given = JSON.parse(process.argv[2] ?? '{}') as WorkerOptions | WorkerOptions[]
  const [worker, ...more] = [given].flat()
  queue.on('error', (error) => console.log(`error ${error.message}`))
  process.on('SIGTERM', () => console.log('heard SIGTERM'))
  for (const one of more) void queue.worker(one).run()
  await queue.run(worker)
  console.log('bye')
}
