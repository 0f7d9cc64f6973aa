import {
  callBesideBacklog,
  endWorkers,
  expectOpen,
  type Measure,
  openWorker,
  perSecond,
  withProducer,
} from './bench.ts'

/** rate: results that came back, per second; p50, p90, p99: from a call to its result, µs. */
export function rpc(options: { inFlight: number; concurrency: number }): Measure {
  return async (bench, subject, calls) => {
    const { inFlight, concurrency } = options
    /** One before the clock starts. */
    const tasks = calls + 1
    await bench.server.empty()
    await openWorker(bench, subject, { concurrency, handler: 'echo', rpc: true, tasks, skip: 0 })
    const { ms, p50, p90, p99 } = await withProducer(bench, subject, { rpc: true }, () =>
      bench.crew.tell(subject.system, 'producer', 'rpc', { calls, inFlight }),
    )
    await endWorkers(bench, subject, tasks)
    return { rate: perSecond(calls, ms), p50, p90, p99 }
  }
}

const MOST_CALLS = 1_000
/** Tasks of the backlog to a call: some thirty end while it is on its way, and some have to be left over. */
const PER_CALL = 75

/** p50, p90, p99 of calls one by one, while the worker is busy with `tasks` others of a lower lane, `wait` ms each. */
export function rpcBesideBacklog({ concurrency, wait }: { concurrency: number; wait: number }): Measure {
  return async (bench, subject, accepted) => {
    const { system } = subject
    const calls = Math.min(MOST_CALLS, Math.floor(accepted / PER_CALL))
    await bench.server.empty()
    return withProducer(bench, subject, { rpc: true, lanes: true }, async () => {
      await bench.crew.tell(system, 'producer', 'enqueue', { way: 'bulk', bytes: 0, tasks: accepted, wait })
      await expectOpen(bench, system, accepted)
      const { p50, p90, p99 } = await callBesideBacklog(bench, subject, {
        calls,
        concurrency,
        accepted,
        ended: 0,
      })
      return { p50, p90, p99 }
    })
  }
}
