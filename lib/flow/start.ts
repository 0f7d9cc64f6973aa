/** A flow begins: all of its calls at once. */

import { makeTogether } from '../call/make.ts'
import { wishOf } from '../call/ties.ts'
import { newTaskId } from '../ids.ts'
import { FlowHandle } from './handle.ts'
import { planFlow, type Steps } from './plan.ts'

export function startFlow(flow: Steps): FlowHandle {
  const id = newTaskId()
  const { services, calls, shape } = planFlow(flow, id)
  services.checkOpen()
  const members = calls.map((call) => {
    const after = String(wishOf(call.how, 'after') ?? '')
    return { id: call.id, after: after.split(' ').filter(Boolean), call }
  })
  makeTogether(services, calls)
  return new FlowHandle({ id, services, members, shape })
}
