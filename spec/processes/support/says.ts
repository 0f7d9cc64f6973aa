/** Tells what it takes itself for, and by the answer of a process of its own, what that one does. */

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import {
  askReplacement,
  isChild,
  onHurry,
  onParentGone,
  slot,
  tellReady,
} from '../../../lib/processes/child.ts'

const variable = process.env.MILLRACE_PROCESS ?? null
if (process.argv[2] === 'print') {
  console.log(JSON.stringify({ slot: slot ?? null, isChild, variable }))
} else {
  process.send?.({ slot, isChild })
  onHurry(() => {})
  onParentGone(() => {})
  tellReady()
  askReplacement('for a reason')
  const own = spawnSync(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), 'print'])
  process.send?.(JSON.parse(own.stdout.toString()))
}
