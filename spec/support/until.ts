/** Waits for something that happens elsewhere: looks again until it is there, and says what was missing if not. */

import { setTimeout as delay } from 'node:timers/promises'

export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  timeout = 20_000,
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = performance.now() + timeout
  for (;;) {
    const found = await look()
    if (found) return found as Exclude<T, false | null | undefined>
    if (performance.now() > deadline) throw new Error(`waited ${timeout} ms in vain for: ${what}`)
    await delay(20)
  }
}
