/**
 * Identity: with a key there is one live task at a time; a second call joins it and gets its result.
 *
 *   terminal 1:  node --import tsx examples/identity.ts worker
 *   terminal 2:  node --import tsx examples/identity.ts test
 */

import { setTimeout as delay } from 'node:timers/promises'
import { Queue } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('identity')
let runs = 0

/** Name and arguments are the key. */
export const thumbnail = queue.task(
  'thumbnail',
  async (image: string) => {
    await delay(500)
    runs += 1
    return `${image}, run ${runs}`
  },
  { unique: true },
)

/** The key is given with each call; while one runs, one more waits for its end, with the newest arguments. */
export const reindex = queue.task('reindex', async (version: number) => {
  await delay(500)
  return `version ${version}`
})

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  console.log(`before: ${(await thumbnail.find('cat.png')).state}`)
  const [one, two] = [thumbnail('cat.png'), thumbnail('cat.png')]
  await two.enqueued
  console.log(`the second joined: ${two.joined}, same task: ${one.id === two.id}`)
  console.log(`same result: ${(await one.get({ timeout: 30_000 })) === (await two.get({ timeout: 30_000 }))}`)

  // Makes sure that there is one, and says how it stood before.
  console.log(
    `ensure: ${(await thumbnail.ensure('dog.png')).state}, then ${(await thumbnail.ensure('dog.png')).state !== 'none'}`,
  )

  const index = reindex.with({ key: 'catalogue', onDuplicate: 'again' })
  const versions = [index(1), index(2), index(3)]
  const results = await Promise.all(versions.map((handle) => handle.get({ timeout: 30_000 })))
  console.log(`reindexed: ${results.join(', ')}`)

  // At most one run a minute, however soon it ends; the calls in between get its result.
  const limited = reindex.with({ key: `limited:${Date.now()}`, keyTtl: 60_000 })
  console.log(
    `throttled: ${await limited(7).get({ timeout: 30_000 })}, ${await limited(8).get({ timeout: 30_000 })}`,
  )
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/identity.ts worker | test')
  process.exitCode = 2
}
