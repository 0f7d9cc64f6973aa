/** What a worker process can be told to do. */

import type { Duties } from '../protocol.ts'
import type { Place, RunningWorker, System } from '../systems/system.ts'
import { handlerOf } from './handlers.ts'
import { Meter } from './meter.ts'

type WorkerDuties = Pick<Duties, 'openWorker' | 'drained' | 'tally' | 'closeWorker'>

export function workerDuties(system: System, place: Place): WorkerDuties {
  let workers: RunningWorker[] = []
  let meter = new Meter(0, 0)
  return {
    async openWorker({ handler, tasks, skip, rpc = false, copies = 1, ...rest }) {
      meter = new Meter(tasks, skip)
      const { run, isAsync } = handlerOf(handler)
      const options = { ...rest, rpc, handler: run, isAsync, done: meter.hit }
      workers = await Promise.all(Array.from({ length: copies }, () => system.openWorker(place, options)))
    },
    drained: () => meter.finished(),
    tally: async () => meter.tally,
    async closeWorker() {
      await Promise.all(workers.map((worker) => worker.close()))
      workers = []
      return meter.ran
    },
  }
}
