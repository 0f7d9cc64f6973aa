/**
 * Where the main thread is, seen from another: it is paused through the inspector for as long as it takes to read its
 * calls, and goes on. Only for one that is known to be blocked.
 */

import type { Session } from 'node:inspector'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { StackFrame } from '../redis/stacks.ts'

const MOST_FRAMES = 50
/** Characters: a path, and of a `data:` URL, which is code, the beginning. */
const MAX_FILE = 500
const MAX_FUNCTION = 200
/** For each step, ms. */
const PATIENCE = 2_000

export type MainStack =
  | { readonly stack: readonly StackFrame[]; readonly problem?: never }
  | { readonly problem: string; readonly stack?: never }

/** Of what the inspector tells, what is needed here. */
interface Paused {
  readonly hitBreakpoints?: readonly string[]
  readonly callFrames: readonly {
    readonly functionName: string
    readonly url: string
    readonly location: {
      readonly scriptId: string
      readonly lineNumber: number
      readonly columnNumber?: number
    }
  }[]
}

/** isBlocked: asked at the last moment. Never rejects. */
export async function mainStack(isBlocked: () => boolean): Promise<MainStack> {
  let session: Session | undefined
  try {
    const inspector = await import('node:inspector')
    session = new inspector.Session()
    session.connectToMainThread()
    return await take(session, isBlocked)
  } catch (error) {
    return { problem: `the inspector is not available: ${(error as Error).message}` }
  } finally {
    try {
      session?.disconnect()
    } catch {
      // It never was connected.
    }
  }
}

async function take(session: Session, isBlocked: () => boolean): Promise<MainStack> {
  const urls = new Map<string, string>()
  let isAsked = false
  let isForeign = false
  let tell: (stack: MainStack) => void = () => {}
  const told = new Promise<MainStack>((resolve) => {
    tell = resolve
  })
  session.on('Debugger.scriptParsed', ({ params: { scriptId, url } }) => {
    urls.set(scriptId, url)
  })
  session.on('Debugger.paused', ({ params }: { params: Paused }) => {
    // Somebody debugs it: to go on is for him to say.
    if (!isAsked || params.hitBreakpoints?.length) {
      isForeign = true
      tell({ problem: 'a debugger has paused it' })
      return
    }
    session.post('Debugger.resume')
    tell({ stack: params.callFrames.slice(0, MOST_FRAMES).map((frame) => readFrame(frame, urls)) })
  })
  const enabled = new Promise<true>((resolve, reject) => {
    session.post('Debugger.enable', (error) => (error ? reject(error) : resolve(true)))
  })
  const native: MainStack = { problem: 'it is not in JavaScript, or is stopped' }
  if (!(await Promise.race([enabled, delay(PATIENCE, false)]))) return native
  if (isForeign) return told
  if (!isBlocked()) return { problem: 'it went on meanwhile' }
  isAsked = true
  session.post('Debugger.pause')
  const stack = await Promise.race([told, delay(PATIENCE, native)])
  // Takes a pause back that has not come, and lets it go on in any case.
  session.post('Debugger.disable')
  return stack
}

function readFrame(
  { functionName, url, location }: Paused['callFrames'][number],
  urls: ReadonlyMap<string, string>,
): StackFrame {
  const from = urls.get(location.scriptId) || url
  return {
    function: functionName.slice(0, MAX_FUNCTION),
    file: fileOf(from).slice(0, MAX_FILE),
    line: location.lineNumber + 1,
    column: (location.columnNumber ?? 0) + 1,
  }
}

function fileOf(url: string): string {
  // The rest of it is code.
  if (url.startsWith('data:')) return 'data:'
  try {
    return url.startsWith('file:') ? fileURLToPath(url) : url
  } catch {
    return url
  }
}
