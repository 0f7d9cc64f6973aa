/**
 * How a task's parents ended, on the way into its arguments: read while its attempt has begun already, in one script for
 * all attempts that begin in one go. They stay in the record until it succeeds, so another attempt finds them again.
 */

import { decode } from '../codec.ts'
import type { Call, InputsForm } from '../envelope.ts'
import { DependencyError, DoNotRetry, PayloadTooLargeError } from '../errors.ts'
import { STATE_OF } from '../record.ts'
import type { Store } from '../redis/store.ts'
import type { Input } from '../redis/wire.ts'
import { decodeError } from '../remote-error.ts'
import { insist, type Patience } from './retry.ts'

/** Of all that one task takes, packed; each alone has passed `maxResult`. */
const MAX_BYTES = 64 * 1024 * 1024

export interface Taker {
  readonly id: string
  /** How many it takes. */
  readonly inputs: number
}

export type InputsReader = (taker: Taker) => Promise<readonly Input[]>

interface Waiting extends Taker {
  readonly resolve: (inputs: readonly Input[]) => void
  readonly reject: (error: unknown) => void
}

/** Answers a function that reads what one task takes, and asks for all of one go together. */
export function inputReader(store: Pick<Store, 'inputs'>, patience: Patience): InputsReader {
  let waiting: Waiting[] = []
  const send = (): void => {
    const asked = waiting
    waiting = []
    insist(patience, () => store.inputs(asked)).then(
      (found) => {
        asked.forEach(({ resolve }, index) => {
          resolve(found[index] ?? [])
        })
      },
      (error) => {
        for (const { reject } of asked) reject(error)
      },
    )
  }
  return ({ id, inputs }) =>
    new Promise((resolve, reject) => {
      waiting.push({ id, inputs, resolve, reject })
      if (waiting.length === 1) queueMicrotask(send)
    })
}

/** An outcome that is no success, for handlers. */
interface Failed {
  readonly name: string
  readonly message: string
  readonly code: string | number | undefined
  readonly state: string
}

/** The call with what goes ahead of its own arguments. Rejects with DoNotRetry, or with what the reader does. */
export async function withInputs(call: Call, taker: Taker, read: InputsReader): Promise<Call> {
  return { ...call, args: [...toArguments(await read(taker), call.options.inputs), ...call.args] }
}

function toArguments(inputs: readonly Input[], form: InputsForm = 'value'): unknown[] {
  const bytes = inputs.reduce((sum, { value }) => sum + value.length, 0)
  if (bytes > MAX_BYTES) {
    const hint = 'let the tasks that it takes them from return references to their data'
    throw new DoNotRetry(new PayloadTooLargeError('results of other tasks', bytes, MAX_BYTES, hint))
  }
  if (inputs.some(({ letter }) => letter === '')) {
    throw new DoNotRetry(new DependencyError('how a task ended that it waited for is not known any more'))
  }
  if (form === 'settled') return [inputs.map(settled)]
  if (form === 'error') return inputs.map((input) => (input.letter === 's' ? undefined : failed(input)))
  const values = inputs.map((input) => (input.letter === 's' ? result(input) : failed(input)))
  return form === 'list' ? [values] : values
}

const result = ({ value }: Input): unknown => (value.length === 0 ? undefined : decode(value))
const stateOf = ({ letter }: Input): string => STATE_OF[letter] ?? 'lost'

const settled = (input: Input): object => {
  const state = stateOf(input)
  return input.letter === 's' ? { state, value: result(input) } : { state, error: failed(input) }
}

function failed(input: Input): Failed {
  const thrown = input.value.length === 0 ? undefined : decodeError(input.value)
  const state = stateOf(input)
  if (!(thrown instanceof Error)) {
    const message =
      typeof thrown === 'string' ? thrown : `it ${state === 'failed' ? 'threw no error' : `is ${state}`}`
    return { name: 'Error', message, code: undefined, state }
  }
  const { name, message, code } = thrown as Error & { code?: string | number }
  return { name, message, code, state }
}
