/** A supervisor in the spec's own process, with all that it says; nothing of it runs on after the spec. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  Supervisor,
  type SupervisorEvents,
  type SupervisorOptions,
} from '../../../lib/processes/supervisor.ts'
import { until } from '../../support/until.ts'

type Name = keyof SupervisorEvents
type Told<N extends Name> = SupervisorEvents[N][0]

const NAMES = ['started', 'ready', 'replacing', 'late', 'killed', 'ended', 'restarting', 'replaced'] as const

export interface Crew extends AsyncDisposable {
  readonly supervisor: Supervisor
  /** Its children leave files here, and look for some. */
  readonly folder: string
  /** All events, in their order: `name slot`. */
  readonly log: readonly string[]
  told<N extends Name>(name: N): Told<N>[]
  /** Waits for the nth event of that name. */
  hears<N extends Name>(name: N, nth?: number): Promise<Told<N>>
  mark(name: string): void
}

export function crew(what: string, options: Partial<SupervisorOptions> = {}): Crew {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-crew-'))
  const supervisor = new Supervisor({
    file: fileURLToPath(new URL('./child.mjs', import.meta.url)),
    args: [what, folder],
    execArgv: [],
    processes: 1,
    ...options,
  })
  const log: string[] = []
  const told: { name: Name; event: unknown }[] = []
  for (const name of NAMES) {
    supervisor.on(name, (event: { slot: number }) => {
      log.push(`${name} ${event.slot}`)
      told.push({ name, event })
    })
  }
  const of = <N extends Name>(name: N): Told<N>[] =>
    told.filter((each) => each.name === name).map((each) => each.event as Told<N>)
  return {
    ...{ supervisor, folder, log, told: of },
    hears: (name, nth = 1) => until(`the event ${name}, no. ${nth}, after ${log}`, () => of(name)[nth - 1]),
    mark: (name) => writeFileSync(join(folder, name), ''),
    async [Symbol.asyncDispose]() {
      await supervisor.stop({ timeout: 0 })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
