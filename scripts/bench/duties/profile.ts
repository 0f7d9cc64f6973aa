/**
 * A CPU profile of this process' main thread, from its first order to its end. Not Node's `--cpu-prof`: that also
 * writes one for each thread (loader, heartbeats), start-up included, all under one name.
 */

import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'

/** Answers how to end it, which writes the file. */
export async function startProfile(file: string): Promise<() => Promise<void>> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.start')
  return async () => {
    const { profile } = await session.post('Profiler.stop')
    writeFileSync(file, JSON.stringify(profile))
  }
}
