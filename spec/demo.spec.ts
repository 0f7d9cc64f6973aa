/** `npm start` as a newcomer runs it: shows the main job, ends with 0, leaves nothing running. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { start } from './support/processes.ts'
import { startRedis } from './support/redis.ts'

const WITHOUT_REDIS_URL = { REDIS_URL: '' }

/** Processes whose command line holds this text. */
function processes(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      } catch {
        return ''
      }
    })
    .filter((line) => line.includes(text))
}

test('the demo shows the main job and leaves nothing behind', {
  skip: process.platform !== 'linux' && 'reads /proc',
}, async () => {
  await using demo = start('scripts/demo.ts', { env: WITHOUT_REDIS_URL })
  assert.equal(await demo.ended, 0, demo.output)
  assert.match(demo.output, /20,899 digits: 420269270299…669707537501 {2}\(waited \d+ ms, ran \d+ ms\)/)
  assert.match(demo.output, /Hello, world, from process \d+/)
  assert.match(demo.output, /\[#{30}\] 20\/20/)
  assert.match(demo.output, /kill -9 \d+/)
  assert.match(demo.output, /ended on process \d+: attempt 2, crashes 1, state succeeded/)
  assert.doesNotMatch(demo.output, /\r|Warning/, 'plain lines off a terminal')
  assert.deepEqual(processes('demo-tasks.ts'), [])
})

test('with REDIS_URL it uses that server, and leaves it as it was', async () => {
  await using redis = await startRedis()
  await redis.client.set('mine', 'untouched')
  await using demo = start('scripts/demo.ts', { env: { REDIS_URL: redis.url } })
  assert.equal(await demo.ended, 0, demo.output)
  assert.deepEqual(await redis.client.keys('*'), ['mine'])
})
