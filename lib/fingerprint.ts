/** One name for errors that are the same: task, error name, message without what varies, and where it was thrown. */

import { createHash } from 'node:crypto'

const LENGTH = 12
const MAX_TEXT = 300

/** 12 characters of A-Z a-z 0-9 _ -. */
export function fingerprint(task: string | undefined, error: unknown): string {
  const { name, message, stack } = describe(error)
  const parts = [task ?? '', name, normalise(message), topFrame(stack)]
  return createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, LENGTH)
}

/** For people: `TypeError: cannot read #`. */
export function headline(error: unknown): string {
  const { name, message } = describe(error)
  return `${name}: ${normalise(message)}`
}

function describe(error: unknown): { name: string; message: string; stack: string } {
  if (error instanceof Error) return { name: error.name, message: error.message, stack: error.stack ?? '' }
  try {
    return { name: 'thrown', message: String(error), stack: '' }
  } catch {
    // An object whose toString is not one.
    return { name: 'thrown', message: typeof error, stack: '' }
  }
}

/** Ids, numbers and what is quoted differ from task to task. */
function normalise(message: string): string {
  return (
    (message.split('\n')[0] ?? '')
      .slice(0, MAX_TEXT)
      // An apostrophe inside of a word is no quote.
      .replace(/"[^"]*"|(?<!\w)'[^']*'(?!\w)|`[^`]*`/g, '…')
      // As in the error of a task that waited for another.
      .replace(/\btask [\w-]{22}(?![\w-])/g, 'task #')
      .replace(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/gi, '#')
      .replace(/\b(?:0x[0-9a-f]+|[0-9a-f]*\d[0-9a-f]*)\b/gi, '#')
      .replace(/\s+/g, ' ')
      .trim()
  )
}

/** Function and file, without line and column: those move with every edit. Frames of node itself say nothing. */
function topFrame(stack: string): string {
  const frame = stack.split('\n').find((line) => /^\s+at /.test(line) && !/\(?node:/.test(line))
  if (!frame) return ''
  return frame
    .trim()
    .replace(/:\d+:\d+\)?$/, '')
    .replace(/\(?(?:file:\/\/)?[^\s(]*[/\\]/, '')
}
