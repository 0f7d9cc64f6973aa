import { Monitor } from '../monitor.ts'
import { endWorkers, expectOpen, fill, type Measure, openWorker, withProducer } from './bench.ts'

/**
 * One task's whole life: what it costs, each per task. cpu: the server's CPU time for enqueue and drain together, µs,
 * with the connections that this opens; producerCpu, workerCpu: that of the two processes, all their threads, µs;
 * commands: that Redis ran, those of scripts included; queued, completed: bytes of a task in line, and of one that is
 * done.
 */
export function life({ concurrency }: { concurrency: number }): Measure {
  return async (bench, subject, tasks) => {
    const { crew, server } = bench
    const { system, setting } = subject
    await server.empty()
    const emptyBytes = await server.memory()

    const enqueueStart = await server.cpu()
    const enqueueFrom = await server.commands()
    await crew.tell(system, 'producer', 'openProducer', { rpc: false, setting })
    const producerStart = await crew.tell(system, 'producer', 'cpu')
    await crew.tell(system, 'producer', 'enqueue', { way: 'bulk', bytes: 0, tasks })
    const producerCpu = (await crew.tell(system, 'producer', 'cpu')) - producerStart
    const enqueueCommands = (await server.commands()) - enqueueFrom
    const enqueueCpu = (await server.cpu()) - enqueueStart
    await crew.tell(system, 'producer', 'closeProducer')
    await expectOpen(bench, system, tasks)
    const queuedBytes = await server.memory()

    const drainStart = await server.cpu()
    const drainFrom = await server.commands()
    // Its process may be a new one.
    const workerStart = await crew.tell(system, 'worker', 'cpu')
    await openWorker(bench, subject, { concurrency, handler: 'noop', tasks, skip: 0 })
    await crew.tell(system, 'worker', 'drained')
    const workerCpu = (await crew.tell(system, 'worker', 'cpu')) - workerStart
    const drainCommands = (await server.commands()) - drainFrom
    const drainCpu = (await server.cpu()) - drainStart
    await endWorkers(bench, subject, tasks)
    const completedBytes = await server.memory()

    return {
      cpu: (enqueueCpu + drainCpu) / tasks,
      producerCpu: producerCpu / tasks,
      workerCpu: workerCpu / tasks,
      commands: (enqueueCommands + drainCommands) / tasks,
      queued: (queuedBytes - emptyBytes) / tasks,
      completed: (completedBytes - emptyBytes) / tasks,
    }
  }
}

/** sent: commands per task that crossed the wire, from enqueue to the recorded end; inScripts: that scripts called. */
export function commands({ concurrency }: { concurrency: number }): Measure {
  return async (bench, subject, tasks) => {
    const { crew, server } = bench
    const { system } = subject
    await server.empty()
    const monitor = await Monitor.start(server)
    try {
      await withProducer(bench, subject, { rpc: false }, () =>
        crew.tell(system, 'producer', 'enqueue', { way: 'bulk', bytes: 0, tasks }),
      )
      await openWorker(bench, subject, { concurrency, handler: 'noop', tasks, skip: 0 })
      await crew.tell(system, 'worker', 'drained')
      const { sent, inScripts } = await monitor.commands(server)
      monitor.close()
      await endWorkers(bench, subject, tasks)
      return { sent: sent / tasks, inScripts: inScripts / tasks }
    } finally {
      monitor.close()
    }
  }
}

/** queued, completed: bytes of a task in line, and of one that is done, with an argument and a result of this size. */
export function bytesOf(bytes: number): Measure {
  return async (bench, subject, tasks) => {
    const { crew, server } = bench
    await server.empty()
    const emptyBytes = await server.memory()
    await fill(bench, subject, { way: 'bulk', bytes, tasks })
    const queuedBytes = await server.memory()
    await openWorker(bench, subject, { concurrency: 100, handler: 'text', tasks, skip: 0 })
    await crew.tell(subject.system, 'worker', 'drained')
    await endWorkers(bench, subject, tasks)
    const completedBytes = await server.memory()
    return { queued: (queuedBytes - emptyBytes) / tasks, completed: (completedBytes - emptyBytes) / tasks }
  }
}
