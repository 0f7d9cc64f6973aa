/** A program that runs `queue.run({ processes })`, as users start it; its workers are gone when the spec ends. */

import type { RunOptions, WorkerOptions } from '../../../lib/index.ts'
import type { Child } from '../../support/processes.ts'
import { registered, type Scene } from '../../support/scene.ts'
import { until } from '../../support/until.ts'
import { runs } from './crew.ts'

/** For each process to be up, ms: a reload starts one after the other. */
const START = 60_000

export interface Team extends AsyncDisposable {
  readonly program: Child
  /** Of the workers that are registered now. */
  pids(): Promise<number[]>
  /** Waits until so many workers are registered, and none of those that are left out. */
  workers(count: number, without?: readonly number[]): Promise<number[]>
}

/** The tasks of spec/support/tasks.ts, by several processes of it. */
export async function team(s: Scene, options: RunOptions): Promise<Team> {
  // The name of a worker ends with its pid, as long as no other is given.
  const program = await s.worker(options as WorkerOptions)
  const seen = new Set<number>()
  const pids = async (): Promise<number[]> => {
    const now = (await registered(s.redis)).map((id) => Number(/-(\d+)-.{8}$/.exec(id)?.[1]))
    for (const pid of now) seen.add(pid)
    return now
  }
  const workers: Team['workers'] = (count, without = []) => {
    const look = async (): Promise<number[] | false> => {
      const now = await pids()
      return now.length === count && !now.some((pid) => without.includes(pid)) && now
    }
    return until(`${count} workers`, look, count * START)
  }
  return {
    ...{ program, pids, workers },
    async [Symbol.asyncDispose]() {
      await pids()
      await program[Symbol.asyncDispose]()
      for (const pid of seen) if (runs(pid)) process.kill(pid, 'SIGKILL')
      for (const pid of seen) await until(`process ${pid} to be gone`, () => !runs(pid))
    },
  }
}
