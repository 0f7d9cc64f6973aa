/**
 * A handler between its schemas: the argument is validated before it, and what it returns after it; either may take its
 * time. It stays synchronous where all three are. A handler without schemas is left as it is and pays nothing.
 */

import { DoNotRetry, OptionError, type SchemaError } from '../errors.ts'
import { isThenable, misfit, type Schemas, type StandardSchemaV1 } from '../schema.ts'
import { isSource } from '../streams.ts'
import { currentTask, staysHere } from './context.ts'

// biome-ignore lint/suspicious/noExplicitAny: parameters of functions are compared contravariantly; unknown[] takes none
type Handler = (...args: any[]) => unknown
type Refusal = (error: SchemaError | OptionError) => unknown

/** As a worker runs it: what was refused once will be refused again, so there is no other attempt. */
export const forWorker = (task: string, handler: Handler, schemas: Schemas | undefined): Handler =>
  schemas ? checked(task, handler, schemas, (error) => new DoNotRetry(error)) : handler

/** As `task.local` runs it: always a promise where there are schemas. */
export function forLocal(task: string, handler: Handler, schemas: Schemas | undefined): Handler {
  const stay = (returned: unknown): unknown => (isSource(returned) ? staysHere(returned) : returned)
  if (!schemas) return (...args) => stay(handler(...args))
  const run = checked(task, handler, schemas, (error) => error)
  return async (...args) => stay(await run(...args))
}

function checked(task: string, handler: Handler, { input, output }: Schemas, refuse: Refusal): Handler {
  const accept = (where: 'input' | 'output', result: StandardSchemaV1.Result<unknown>): unknown => {
    const error = misfit(task, where, result)
    if (error) throw refuse(error)
    return (result as StandardSchemaV1.SuccessResult<unknown>).value
  }
  const enter = (schema: StandardSchemaV1, given: unknown): unknown => {
    const result = schema['~standard'].validate(given)
    if (!isThenable(result)) return handler(accept('input', result))
    return result.then((settled) => {
      const value = accept('input', settled)
      // Its time was over, or it was cancelled, before it began.
      currentTask().signal.throwIfAborted()
      return handler(value)
    })
  }
  const leave = (schema: StandardSchemaV1, value: unknown): unknown => {
    if (isSource(value))
      throw refuse(new OptionError(`task ${task}: what yields cannot have an output schema`))
    const result = schema['~standard'].validate(value)
    return isThenable(result) ? result.then((settled) => accept('output', settled)) : accept('output', result)
  }
  return (...args) => {
    const returned = input ? enter(input, args[0]) : handler(...args)
    if (!output) return returned
    return isThenable(returned)
      ? Promise.resolve(returned).then((value) => leave(output, value))
      : leave(output, returned)
  }
}
