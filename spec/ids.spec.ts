import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isName, newTaskId } from '../lib/ids.ts'

test('ids of tasks are names that no command takes for an option, and no two are alike', () => {
  const ids = Array.from({ length: 20_000 }, newTaskId)
  assert.deepEqual(
    ids.filter((id) => !/^\w[\w-]{21}$/.test(id) || !isName(id)),
    [],
  )
  assert.equal(new Set(ids).size, ids.length)
})
