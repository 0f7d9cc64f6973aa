/**
 * What a supervisor and its children say to each other over IPC. The channel is also free for user code, so what has
 * another shape is nobody's concern here.
 */

export type ChildMessage =
  /** It does its work from now on. */
  | { readonly millrace: 'ready' }
  /** It wants another in its place, after so many tasks or bytes; it works until then. */
  | { readonly millrace: 'replace'; readonly why: string }
  /** It was told to stop by others than its supervisor, an operator say, and shall not be started again. */
  | { readonly millrace: 'done' }

/** To a child that drains: end at once, and give back what you hold. */
export const HURRY = { millrace: 'hurry' } as const

/** The environment variable that holds the number of a child's slot, from 1. */
export const SLOT_VARIABLE = 'MILLRACE_PROCESS'

export function isChildMessage(message: unknown): message is ChildMessage {
  const word = wordOf(message)
  return (
    word === 'ready' ||
    word === 'done' ||
    (word === 'replace' && typeof (message as { why?: unknown }).why === 'string')
  )
}

export const isHurry = (message: unknown): boolean => wordOf(message) === HURRY.millrace

const wordOf = (message: unknown): unknown =>
  typeof message === 'object' && message !== null ? (message as { millrace?: unknown }).millrace : undefined
