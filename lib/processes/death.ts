/** Why a process ended, as a sentence for people: from its exit code, its signal, and its last words on stderr. */

export interface Death {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The end of what it wrote to stderr. */
  readonly tail: string
  /** It was told to end. */
  readonly asked: boolean
  /** Why it was sent SIGKILL, if it was. */
  readonly killed: string | undefined
}

const MAX_QUOTE = 300

/** Node's last lines before it aborts for want of memory. */
const OUT_OF_MEMORY = /heap out of memory/i
/** Of lib/upkeep/watchdog.ts, and of whoever else ends its own process and says so. */
const FAREWELL = /^millrace: .*\bthis process ends\b.*$/gm
/** How Node prints what nobody caught. */
const UNCAUGHT = /^(?:Uncaught )?\w*(?:Error|Exception)\b(?: \[\w+\])?:? .*$/gm

export function whyOf({ code, signal, tail, asked, killed }: Death): string {
  if (killed !== undefined) return `was killed, because it ${killed}`
  if (code === 0) return asked ? 'ended as asked' : 'ended by itself, with exit code 0'
  const end = signal === null ? `exited with code ${code}` : `was ended by ${signal}`
  if (OUT_OF_MEMORY.test(tail)) {
    return `ran out of memory: V8's heap reached its limit (node --max-old-space-size), and it ${end}`
  }
  const farewell = last(tail, FAREWELL)
  if (farewell !== undefined) return `${end}; it said: ${farewell}`
  if (signal === 'SIGKILL') {
    return 'was ended by SIGKILL, which its supervisor did not send: possibly the kernel, for want of memory, or an operator'
  }
  if (signal !== null) return asked ? `${end}, as asked` : `${end}, which its supervisor did not send`
  const error = last(tail, UNCAUGHT)
  return error === undefined ? end : `${end}; its last error on stderr: ${error}`
}

function last(text: string, pattern: RegExp): string | undefined {
  return text.match(pattern)?.at(-1)?.slice(0, MAX_QUOTE)
}
