/**
 * Schedules: a call that is made again and again, once for each time, however many workers there are.
 *
 *   terminal 1:  node --import tsx examples/schedules.ts worker
 *   terminal 2:  node --import tsx examples/schedules.ts test
 */

import { setTimeout as delay } from 'node:timers/promises'
import { nextTimes, Queue } from '../lib/index.ts' // in your project: from 'millrace'

const queue = new Queue('schedules')

export const report = queue.task('report', (what: string) => `the ${what} report`)

if (process.argv[2] === 'worker') {
  await queue.run()
} else if (process.argv[2] === 'test') {
  // Every program that knows it may define it when it begins: nothing changes where it is the same.
  const workdays = { cron: '30 8 * * MON-FRI', timezone: 'Europe/Berlin', overlap: 'skip' } as const
  console.log(`defined: ${await queue.schedule('morning', workdays, report.prepare('morning'))}`)
  console.log(`once more: ${await queue.schedule('morning', workdays, report.prepare('morning'))}`)
  console.log(
    `at nine: ${await queue.schedule('morning', { ...workdays, cron: '0 9 * * 1-5' }, report.prepare('morning'))}`,
  )

  // Which times these are, without a queue.
  const [first] = nextTimes(workdays, { from: new Date('2026-12-24T12:00:00Z') })
  console.log(`after Christmas Eve: ${first!.toISOString()}`)

  const handle = await queue.runSchedule<string>('morning')
  console.log(`now: ${await handle!.get({ timeout: 30_000 })}`)

  // The id of a slot's task is the name and the slot.
  const at = Date.now() + 500
  await queue.schedule('once', { at }, report.prepare('only'))
  const hasRun = async (): Promise<boolean> =>
    (await queue.schedules()).some(({ lastTask }) => lastTask === `once:${at}`)
  while (!(await hasRun())) await delay(50)
  console.log(`once: ${await queue.handle(`once:${at}`).get({ timeout: 30_000 })}`)

  await queue.pauseSchedule('morning')
  for (const { name, task, isPaused, next } of await queue.schedules()) {
    console.log(`${name}: ${task}, ${isPaused ? 'paused' : `${next.length} times to come`}`)
  }
  for (const name of ['morning', 'once']) await queue.unschedule(name)
  console.log(`left: ${(await queue.schedules()).length}`)
  await queue.close()
} else {
  console.log('usage: node --import tsx examples/schedules.ts worker | test')
  process.exitCode = 2
}
