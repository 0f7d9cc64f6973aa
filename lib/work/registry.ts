/** What a worker can run: handlers by exact name. Nothing is ever imported or looked up by a name from Redis. */

import type { CallOptions } from '../envelope.ts'

export interface Definition {
  readonly name: string
  readonly handler: (...args: never[]) => unknown
  readonly options: CallOptions
}

export type Registry = ReadonlyMap<string, Definition>
