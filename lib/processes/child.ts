/**
 * A child's side of the channel to its supervisor: what it is, what it says, and what it does when the supervisor is
 * gone. The channel keeps no process alive that has nothing else to do.
 */

import { type ChildMessage, isHurry, SLOT_VARIABLE } from './messages.ts'

/** Two copies of this package in one process are one child. */
const KNOWN = Symbol.for('millrace.process.slot')
const shared = globalThis as { [KNOWN]?: number }

/**
 * Taken out of the environment, so that a process which a handler starts does not take itself for a child. Without an
 * IPC channel nobody of ours has set it.
 */
function takeSlot(): number | undefined {
  const given = process.env[SLOT_VARIABLE]
  if (given !== undefined && typeof process.send === 'function') {
    delete process.env[SLOT_VARIABLE]
    const slot = Number(given)
    if (Number.isInteger(slot) && slot > 0) shared[KNOWN] = slot
  }
  return shared[KNOWN]
}

/** The number of this process's place with its supervisor, from 1; undefined: it was started by nobody of that kind. */
export const slot = takeSlot()

/** A supervisor started this process. It stays a child when the supervisor has died: it must not become one itself. */
export const isChild = slot !== undefined

/** Who started this process, if nobody was faster: one that died before that leaves its children another. */
export const parent = process.ppid

/** And the supervisor lives. */
export const hasParent = (): boolean => isChild && process.connected

/** It does its work from now on: the predecessor in its slot can go. */
export function tellReady(): void {
  say({ millrace: 'ready' })
}

/** Another is to take its place, for the reason given; SIGTERM comes when that one is ready. It works until then. */
export function askReplacement(why: string): void {
  say({ millrace: 'replace', why })
}

/** It ends now, and nothing is to take its place. */
export function tellDone(): void {
  say({ millrace: 'done' })
}

/** The supervisor died, if only by kill -9, or is dead already: drain and end. Calls back once. */
export function onParentGone(callback: () => void): void {
  if (!isChild) return
  if (process.connected) listen(() => process.once('disconnect', callback))
  else setImmediate(callback)
}

/** The supervisor's stop was not to be waited for: give back what is held, and end. */
export function onHurry(callback: () => void): void {
  if (!hasParent()) return
  listen(() =>
    process.on('message', (message) => {
      if (isHurry(message)) callback()
    }),
  )
}

/** A listener alone would keep the process alive. */
function listen(add: () => void): void {
  add()
  process.channel?.unref()
}

function say(message: ChildMessage): void {
  // The channel may be cut at any moment, and says so by 'disconnect'.
  if (hasParent()) process.send?.(message, undefined, undefined, () => {})
}
