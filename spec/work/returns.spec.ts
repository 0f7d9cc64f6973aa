/** What is on its way back into line, on its own: the script that puts it there is a function here. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Store } from '../../lib/redis/store.ts'
import { Returns } from '../../lib/work/returns.ts'

const place = (entry: string) => ({ lane: 'normal' as const, entry })

function returns(release: () => Promise<void>): Returns {
  const store = { release } as unknown as Store
  const patience = { ready: () => Promise.resolve(), isOver: () => true }
  return new Returns({ store, failedTtl: 1_000, patience, worker: () => 'w1' })
}

test('until the script has answered, what is given back is no stray, although the pending list still has it', async () => {
  let answer = (): void => {}
  const back = returns(
    () =>
      new Promise((resolve) => {
        answer = resolve
      }),
  )
  const given = back.give([place('1-0')], false)
  assert.equal(back.isGone(place('1-0')), true)
  assert.equal(back.isGone(place('2-0')), false)
  answer()
  await given
  assert.equal(back.isGone(place('1-0')), false)
})

test('where giving back fails it may be taken up again', async () => {
  const back = returns(() => Promise.reject(new Error('no')))
  await assert.rejects(back.give([place('1-0')], false))
  assert.equal(back.isGone(place('1-0')), false)
})

test('what the thread gave back stays gone until it is seen in the pending list', () => {
  const back = returns(() => Promise.resolve())
  back.gaveByThread(['1-0'])
  assert.equal(back.isGone(place('1-0')), true)
  back.keep([place('1-0')])
  assert.equal(back.isGone(place('1-0')), false)
})
