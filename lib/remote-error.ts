/**
 * What a handler threw, on its way to the caller. Packed as a plain object, because msgpack's own errors lose code,
 * stack and cause. Lua makes the shortest form of it too: { name, code, message } (lua/shared/settle.lua).
 */

import { decode, encode } from './codec.ts'

/** An error's form on the wire; `thrown` instead of a name: what was thrown is not an error. */
interface ErrorForm {
  name?: string
  message?: string
  code?: string | number
  stack?: string
  cause?: ErrorForm
  errors?: ErrorForm[]
  /** Own fields with plain values, such as errno or statusCode. */
  fields?: Record<string, unknown>
  thrown?: unknown
}

const MAX_TEXT = 8 * 1024
/** Errors in one form, causes and aggregated ones together. */
const MAX_ERRORS = 32
const MAX_FIELDS = 16
const MAX_THROWN = 64 * 1024

/** Never throws: whatever cannot cross is described instead. */
export function encodeError(thrown: unknown): Buffer {
  const budget = { left: MAX_ERRORS }
  return encode(formOf(thrown, budget), { what: 'error', maxBytes: Number.POSITIVE_INFINITY, hint: '' })
}

/** An Error with the remote name, message, code, stack and cause; or the value that was thrown. */
export function decodeError(bytes: Buffer): unknown {
  const packed = decode(bytes)
  // Lua packs a table as a plain msgpack map, which is read as a Map.
  const form = packed instanceof Map ? Object.fromEntries(packed) : packed
  return typeof form === 'object' && form !== null ? revive(form as ErrorForm) : form
}

function formOf(thrown: unknown, budget: { left: number }): ErrorForm {
  budget.left -= 1
  if (!(thrown instanceof Error)) return { thrown: portable(thrown) }
  const form: ErrorForm = { name: text(read(thrown, 'name')), message: text(read(thrown, 'message')) }
  const code = read(thrown, 'code')
  if (typeof code === 'string' || typeof code === 'number')
    form.code = typeof code === 'string' ? text(code) : code
  const stack = read(thrown, 'stack')
  if (typeof stack === 'string') form.stack = text(stack)
  if ('cause' in thrown && budget.left > 0) form.cause = formOf(read(thrown, 'cause'), budget)
  const errors = read(thrown, 'errors')
  if (Array.isArray(errors)) {
    form.errors = []
    for (const error of errors) if (budget.left > 0) form.errors.push(formOf(error, budget))
  }
  const fields = ownFields(thrown)
  if (fields) form.fields = fields
  return form
}

const KNOWN = new Set(['name', 'message', 'code', 'stack', 'cause', 'errors', '__proto__'])

function ownFields(error: Error): Record<string, unknown> | undefined {
  const fields: Record<string, unknown> = {}
  let count = 0
  for (const key of Object.keys(error)) {
    if (KNOWN.has(key) || count === MAX_FIELDS) continue
    const value = read(error, key)
    if (value === null || ['string', 'number', 'boolean', 'bigint'].includes(typeof value)) {
      fields[key.slice(0, 128)] = typeof value === 'string' ? text(value) : value
      count += 1
    }
  }
  return count > 0 ? fields : undefined
}

/** A getter of the user's may throw. */
function read(error: Error, key: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

function text(value: unknown): string {
  const whole = typeof value === 'string' ? value : describe(value)
  return whole.length > MAX_TEXT ? `${whole.slice(0, MAX_TEXT)}… (${whole.length} characters)` : whole
}

function describe(value: unknown): string {
  try {
    return String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

function portable(value: unknown): unknown {
  try {
    encode(value, { what: 'thrown value', maxBytes: MAX_THROWN, hint: '' })
    return value
  } catch {
    return text(value)
  }
}

function revive(form: ErrorForm): unknown {
  if (typeof form.name !== 'string') return form.thrown
  const message = typeof form.message === 'string' ? form.message : ''
  const error = Array.isArray(form.errors)
    ? new AggregateError(form.errors.map(revive), message)
    : new Error(message)
  define(error, 'name', form.name)
  // The remote stack replaces ours, which would only point into this file.
  define(error, 'stack', typeof form.stack === 'string' ? form.stack : `${form.name}: ${message}`)
  if (form.cause && typeof form.cause === 'object') define(error, 'cause', revive(form.cause))
  if (form.code !== undefined) Object.assign(error, { code: form.code })
  for (const [key, value] of Object.entries(form.fields ?? {})) {
    if (!KNOWN.has(key)) Object.assign(error, { [key]: value })
  }
  return error
}

const define = (error: Error, key: string, value: unknown): void => {
  Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: false })
}
