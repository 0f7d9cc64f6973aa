/**
 * What a handler threw, on its way to the caller. Packed as a plain object, because msgpack's own errors lose code,
 * stack and cause. Lua makes the shortest form of it too: { name, code, message } (lua/shared/settle.lua).
 */

import { types } from 'node:util'
import { decode, encode } from './codec.ts'
import type { SchemaIssue } from './errors.ts'
import { issuesOf } from './schema.ts'

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
  /** Of a SchemaError. */
  issues?: SchemaIssue[]
  thrown?: unknown
}

const MAX_TEXT = 8 * 1024
/** Errors in one form, causes and aggregated ones together. */
const MAX_ERRORS = 32
const MAX_FIELDS = 16
const MAX_THROWN = 64 * 1024
const LIMITS = { what: 'error', maxBytes: Number.POSITIVE_INFINITY, hint: '' }

interface Budget {
  left: number
  /** What becomes of a thrown value that is not an error. */
  readonly carry: (value: unknown) => unknown
}

/** Never throws: whatever cannot cross is described instead. */
export function encodeError(thrown: unknown): Buffer {
  // What could cross alone may be nested too deep inside the form: then it goes as text.
  for (const carry of [portable, text]) {
    try {
      return encode(formOf(thrown, { left: MAX_ERRORS, carry }), LIMITS)
    } catch {}
  }
  // A proxy can throw at any look at it.
  return encode({ name: 'Error', message: 'what was thrown cannot be read' }, LIMITS)
}

/** The shortest form, as Lua makes it. cause: packed. */
export const encodeForm = (name: string, code: string, message: string, cause?: Buffer): Buffer =>
  encode({ name, code, message, ...(cause && { cause: decode(cause) }) }, LIMITS)

/** Of a task that ran when its deadline came. */
export const encodeTooLate = (): Buffer =>
  encodeForm('TaskExpiredError', 'ERR_MILLRACE_TASK_EXPIRED', 'the task did not end before its deadline')

/** An Error with the remote name, message, code, stack and cause; or the value that was thrown. */
export function decodeError(bytes: Buffer): unknown {
  return revive(decode(bytes), { left: MAX_ERRORS })
}

function formOf(thrown: unknown, budget: Budget): ErrorForm {
  budget.left -= 1
  if (!isError(thrown)) return { thrown: budget.carry(thrown) }
  const form: ErrorForm = {
    name: text(read(thrown, 'name') ?? 'Error'),
    message: text(read(thrown, 'message') ?? ''),
  }
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
  const issues = code === 'ERR_MILLRACE_SCHEMA' ? read(thrown, 'issues') : undefined
  if (Array.isArray(issues)) form.issues = issuesOf(issues)
  return form
}

/** Errors of another realm, as under vm and jest, are errors too. */
const isError = (value: unknown): value is Error => value instanceof Error || types.isNativeError(value)

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
    return `${typeof value} that cannot be shown`
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

/** Bytes from Redis can hold anything, cycles too: the budget ends them. */
function revive(value: unknown, budget: { left: number }): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (budget.left <= 0) return undefined
  budget.left -= 1
  // Lua packs a table as a plain msgpack map, which is read as a Map.
  const form = (value instanceof Map ? Object.fromEntries(value) : value) as Partial<
    Record<keyof ErrorForm, unknown>
  >
  if (typeof form.name !== 'string') return form.thrown
  const message = typeof form.message === 'string' ? form.message : ''
  const error = Array.isArray(form.errors)
    ? new AggregateError(
        form.errors.slice(0, budget.left).map((item) => revive(item, budget)),
        message,
      )
    : new Error(message)
  define(error, 'name', form.name)
  // The remote stack replaces ours, which would only point into this file.
  define(error, 'stack', typeof form.stack === 'string' ? form.stack : `${form.name}: ${message}`)
  if (form.cause && typeof form.cause === 'object') define(error, 'cause', revive(form.cause, budget))
  if (typeof form.code === 'string' || typeof form.code === 'number')
    Object.assign(error, { code: form.code })
  for (const [key, field] of Object.entries(form.fields ?? {})) {
    if (!KNOWN.has(key)) Object.assign(error, { [key]: field })
  }
  if (Array.isArray(form.issues)) Object.assign(error, { issues: issuesOf(form.issues) })
  return error
}

const define = (error: Error, key: string, value: unknown): void => {
  Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: false })
}
