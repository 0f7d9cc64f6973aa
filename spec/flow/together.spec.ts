/** A batch that is accepted as a whole or not at all, on both grounds: the same is refused, and then nothing is there. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Clock } from '../../lib/clock.ts'
import { callHead } from '../../lib/envelope.ts'
import { Agenda } from '../../lib/inline/agenda.ts'
import { Ledger } from '../../lib/inline/ledger.ts'
import { InlineStore } from '../../lib/inline/store.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { newCall, type Sender, sender } from '../support/wishes.ts'

let redis: TestRedis
let raw: Sender
before(async () => {
  redis = await startRedis()
  raw = await sender(redis.url, 'together')
})
after(async () => {
  raw?.[Symbol.dispose]()
  await redis?.stop()
})

const NOBODY = { awaited: callHead(undefined), other: callHead(undefined) }
const plain = (id: string) => newCall('give', [1], { id })
const child = (id: string, ...parents: string[]) => newCall('give', [1], { id, after: parents })
const keyed = (id: string, key: string) => newCall('give', [1], { id, key })

/** One after the other, on the same ground. */
const BATCHES = {
  'a parent that nobody knows': { calls: [plain('a'), child('b', 'a', 'nobody')], cap: undefined },
  'a parent that comes later': { calls: [child('b', 'a'), plain('a')], cap: undefined },
  'too many': { calls: [plain('a'), plain('b'), child('c', 'a')], cap: 2 },
  'room for those that need it': { calls: [keyed('a', 'k'), keyed('b', 'k'), child('c', 'a')], cap: 2 },
  'the same once more': { calls: [keyed('a', 'k'), keyed('b', 'k'), child('c', 'a')], cap: 2 },
}

test('the same batches are refused, for the same reasons', async () => {
  const nothing = (): void => {}
  const options = { clock: new Clock(), agenda: new Agenda(), failedTtl: 1_000, maxFailed: 10 }
  const ledger = new Ledger({ ...options, onReply: nothing, onChange: nothing, onAdded: nothing })
  const nobody = (): never => assert.fail('nobody yields')
  const store = new InlineStore(ledger, { write: nobody, read: nobody })
  for (const [name, { calls, cap }] of Object.entries(BATCHES).slice(0, 4)) {
    const there = await raw.send(calls, true, cap)
    assert.deepEqual(await store.enqueue(calls, NOBODY, false, cap, true), there, name)
    const records = await raw.client.keys(raw.key('task:*'))
    assert.equal(ledger.records.size, records.length, name)
    assert.equal(records.length > 0, name.startsWith('room'), name)
  }
  const again = BATCHES['the same once more']
  await raw.send(again.calls, true, again.cap)
  assert.equal((await raw.client.keys(raw.key('task:*'))).length, 2, 'sent twice, it is there once')
})
