/** A worker's life and that of its tasks as log lines. Never arguments or results, which may hold what nobody should read. */

import type { Logger } from '../logger.ts'
import type { Worker } from './worker.ts'
import type { TaskEnd } from './worker-options.ts'

const SAYS: Record<TaskEnd['state'], readonly [keyof Logger, string]> = {
  succeeded: ['info', 'task succeeded'],
  retry: ['warn', 'task failed, another attempt follows'],
  failed: ['error', 'task failed'],
  cancelled: ['warn', 'task was cancelled'],
  expired: ['warn', 'task expired'],
  parked: ['warn', 'task is not known here and waits for a worker that knows it'],
}

export function logWorker(worker: Worker, queue: string, logger: Logger): void {
  worker.on('ready', (id) => logger.info({ queue, worker: id }, 'worker ready'))
  worker.on('dead', (id) => logger.warn({ queue, worker: id }, 'worker was declared dead and begins anew'))
  worker.on('stopped', () => logger.info({ queue }, 'worker stopped'))
  worker.on('fenced', (id) =>
    logger.warn({ queue, id }, 'outcome refused: the task was given to another worker'),
  )
  worker.on('error', (error) => logger.error({ queue, err: error }, error.message))
  worker.on('recovered', ({ recovered, poisoned, dead }) => {
    logger.warn({ queue, recovered, poisoned, dead }, 'tasks of dead workers were put back in line')
  })
  worker.on('started', ({ id, name, attempt }) => {
    logger.debug({ queue, task: name, id, attempt }, 'task started')
  })
  worker.on('ended', ({ id, name, attempt, state, ms, error, delay }) => {
    const [level, message] = SAYS[state]
    const fields = { queue, task: name, id, attempt, ms }
    logger[level]({ ...fields, ...(delay !== undefined && { delay }), ...(error && { err: error }) }, message)
  })
}
