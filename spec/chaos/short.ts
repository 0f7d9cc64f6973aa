/** The short form of rows, as tests. The seed is in the failure: `npm run chaos -- --only T5 --size short --seed 7`. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ROWS } from './rows/index.ts'

export function shortForms(ids: readonly string[]): void {
  for (const id of ids) {
    const row = ROWS.find((one) => one.id === id)
    assert.ok(row, `there is no row ${id}`)
    test(`${id} ${row.fault}: ${row.pass}`, async () => {
      const seed = 1 + Math.floor(Math.random() * 1_000_000)
      const { problems } = await row.run({ size: 'short', seed, rig: {} })
      assert.deepEqual(problems, [], `with --seed ${seed}`)
    })
  }
}
