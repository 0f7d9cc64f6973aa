/** A flow that was begun elsewhere, by its id. */

import type { TaskServices } from '../call/services.ts'
import { MalformedDataError } from '../errors.ts'
import { isName } from '../ids.ts'
import { FlowHandle } from './handle.ts'
import type { Shape } from './plan.ts'

/** Null: nothing is known of it (any more). */
export async function findFlow<R>(services: TaskServices, id: string): Promise<FlowHandle<R> | null> {
  const admin = await services.admin()
  const found = await admin.flow(id)
  if (!found) return null
  const members = Object.entries(found.members).map(([member, after]) => {
    return { id: member, after: after.split(' ').filter(Boolean) }
  })
  return new FlowHandle<R>({ id, services, members, shape: readShape(id, found.shape) })
}

/** Groups in groups, at most; more than anybody writes by hand. */
const MOST_LEVELS = 100

function readShape(id: string, text: string): Shape {
  const isShape = (value: unknown, levels: number): value is Shape =>
    isName(value) || (Array.isArray(value) && levels > 0 && value.every((part) => isShape(part, levels - 1)))
  try {
    const shape: unknown = JSON.parse(text)
    if (isShape(shape, MOST_LEVELS)) return shape
  } catch {}
  throw new MalformedDataError(`flow ${id}: what its result is made of cannot be read`)
}
