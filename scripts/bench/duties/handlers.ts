/** What the tasks do. Each calls `done` as its last step, so that the worker process counts what has run. */

import type { Handler } from '../systems/system.ts'

export type HandlerKind = 'noop' | 'yield' | 'timer' | 'cpu' | 'echo' | 'text' | 'asked' | 'endless'

/** Some 1 ms on a core of 2024: each step needs the one before it. */
const STEPS = 700_000

function compute(seed: number): number {
  let x = seed | 1
  for (let step = 0; step < STEPS; step++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
  }
  return x
}

const after = (ms: number, done: () => void): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      done()
      resolve()
    }
    setTimeout(end, ms)
  })

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
    run: ({ n }, done) => after(1 + (n % 5), done),
  },
  /** Keeps the event loop to itself for as long as it runs. */
  cpu: {
    isAsync: false,
    run({ n }, done) {
      const value = compute(n)
      done()
      return value
    },
  },
  echo: {
    isAsync: false,
    run({ n }, done) {
      done()
      return n
    },
  },
  /** A result as large as the argument. */
  text: {
    isAsync: false,
    run({ text }, done) {
      done()
      return text
    },
  },
  /** Takes as long as its caller says, or answers at once. */
  asked: {
    isAsync: true,
    run({ n, wait }, done) {
      if (wait !== undefined) return after(wait, done)
      done()
      return Promise.resolve(n)
    },
  },
  /** Counts as run when it begins, and never ends: for a process that will be killed. */
  endless: {
    isAsync: true,
    run(_payload, done) {
      done()
      return new Promise<void>(() => {})
    },
  },
}

export const handlerOf = (kind: HandlerKind): { run: Handler; isAsync: boolean } => HANDLERS[kind]
