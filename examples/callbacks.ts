/**
 * Callbacks and dependencies: tasks that follow another one, and tasks that wait for several.
 *
 *   terminal 1:  node --import tsx examples/callbacks.ts worker
 *   terminal 2:  node --import tsx examples/callbacks.ts test
 */

import { setTimeout as delay } from 'node:timers/promises'
import { Queue, type TaskFailure } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('callbacks')

export const fetchPage = queue.task('fetchPage', (url: string) => {
  if (url.includes('missing')) throw Object.assign(new Error(`404: ${url}`), { code: 'E_404' })
  return `the page of ${url}`
})
export const store = queue.task('store', (page: string, folder: string) => `${folder}: ${page}`)
export const alarm = queue.task(
  'alarm',
  ({ code, message }: TaskFailure, who: string) => `${who}: ${code} ${message}`,
)
export const download = queue.task('download', async (parts: number) => {
  for (let part = 1; part <= parts; part++) {
    await delay(20)
    await queue.updateProgress(part / parts)
  }
})
/** Some values may be passed over, the last one is not. */
export const watch = queue.task('watch', (part: number, who: string) => {
  if (part === 1) note.with({ key: 'noted', keyTtl: 60_000 })(`${who} saw the last part`)
})
export const note = queue.task('note', (text: string) => text)
export const index = queue.task('index', (folder: string) => `${folder} is indexed`)

/** Callbacks have no handle of their own: they are found as any task is, here by the key that they hold for a while. */
async function told(key: string): Promise<unknown> {
  const look = store.with({ key })
  for (;;) {
    const { handle } = await look.find('', '')
    if (handle) return handle.get()
    await delay(20)
  }
}

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  // Accepted with the call by one script, and begun by its outcome: no caller and no worker can lose them in between.
  const page = fetchPage.with({
    onSuccess: { call: store.with({ key: 'stored', keyTtl: 60_000 }).prepare('archive'), withResult: true },
    onFailure: { call: alarm.with({ key: 'alarmed', keyTtl: 60_000 }).prepare('ann'), withError: true },
  })
  page('/home')
  console.log(await told('stored'))
  page('/missing')
  console.log(await told('alarmed'))

  // However often it reports: one of its callbacks runs, and one waits at most, which brings the newest value.
  download.with({ onProgress: { call: watch.prepare('ann'), withProgress: true } })(10)
  console.log(await told('noted'))

  // A call that waits for others: handles, or ids from anywhere.
  const pages = fetchPage.many([['/a'], ['/b']])
  console.log(await index.with({ after: pages })('archive').get())

  // When one of them fails it fails too, or runs all the same, or is cancelled.
  const after = fetchPage('/missing')
  const failed = await index
    .with({ after })('archive')
    .get()
    .catch((error) => error)
  console.log(`${failed.cause.code}, because of ${failed.cause.cause.message}`)
  console.log(await index.with({ after, onParentFailure: 'run' })('archive').get())
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/callbacks.ts worker | test')
  process.exitCode = 2
}
