/** What the tasks do. Each calls `done` as its last step, so that the worker process counts what has run. */

import type { Handler } from './systems/system.ts'

export type HandlerKind = 'noop' | 'yield' | 'timer' | 'echo'

const HANDLERS: Record<HandlerKind, { run: Handler; isAsync: boolean }> = {
  noop: {
    isAsync: false,
    run(_payload, done) {
      done()
    },
  },
  /** Lets the event loop turn once: the shape of a handler that awaits something short. */
  yield: {
    isAsync: true,
    run: (_payload, done) =>
      new Promise<void>((resolve) => {
        setImmediate(() => {
          done()
          resolve()
        })
      }),
  },
  /** 1 to 5 ms, the same for the same task everywhere. */
  timer: {
    isAsync: true,
    run: ({ n }, done) =>
      new Promise<void>((resolve) => {
        const end = (): void => {
          done()
          resolve()
        }
        setTimeout(end, 1 + (n % 5))
      }),
  },
  echo: {
    isAsync: false,
    run({ n }, done) {
      done()
      return n
    },
  },
}

export const handlerOf = (kind: HandlerKind): { run: Handler; isAsync: boolean } => HANDLERS[kind]
