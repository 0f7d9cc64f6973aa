/** What a worker process can be told to do. */

import type { Duties } from '../protocol.ts'
import type { Place, RunningWorker, System } from '../systems/system.ts'
import { handlerOf } from './handlers.ts'
import { LatenessMeter } from './lateness.ts'
import { Meter } from './meter.ts'

type WorkerDuties = Pick<Duties, 'openWorker' | 'drained' | 'lateness' | 'tally' | 'closeWorker'>

export function workerDuties(system: System, place: Place): WorkerDuties {
  let workers: RunningWorker[] = []
  let meter = new Meter(0, 0)
  let lateness: LatenessMeter | undefined
  return {
    async openWorker({ handler, tasks, skip, rpc = false, delayed = false, copies = 1, ...rest }) {
      meter = new Meter(tasks, skip)
      const { run, isAsync } = handlerOf(handler)
      lateness = delayed ? new LatenessMeter() : undefined
      const noted = lateness?.noting(run) ?? run
      const options = { ...rest, rpc, delayed, handler: noted, isAsync, done: meter.hit }
      workers = await Promise.all(Array.from({ length: copies }, () => system.openWorker(place, options)))
    },
    drained: () => meter.finished(),
    lateness: ({ tasks }) => lateness!.of(tasks),
    tally: async () => meter.tally,
    async closeWorker() {
      await Promise.all(workers.map((worker) => worker.close()))
      workers = []
      return meter.ran
    },
  }
}
