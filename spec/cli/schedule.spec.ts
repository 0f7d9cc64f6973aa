/** `millrace schedule`: what a program has defined is looked at, run, paused, resumed and removed from the shell. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { stage } from './support/stage.ts'

let s: Awaited<ReturnType<typeof stage>>
before(async () => {
  s = await stage()
})
after(() => s.end())

test('schedules are listed, run, paused, resumed and removed', async () => {
  const { run, data, worker, queue } = s.scene()
  await using child = worker()
  await child.prints('worker ready', 60_000)
  assert.equal((await run('schedule', 'ls')).stdout, 'no schedules\n')
  await using own = queue()
  const add = own.remote<(a: number, b: number) => number>('add')
  await own.schedule('morning', { cron: '30 8 * * 1-5', timezone: 'Europe/Berlin' }, add.prepare(1, 2))
  await own.schedule('often', { every: 90_000 }, add.prepare(3, 4))

  const { stdout } = await run('schedule', 'ls')
  assert.match(stdout, /^schedule +task +when +next +last$/m)
  assert.match(stdout, /^often +add\(3, 4\) +every 1 min 30 s +20\S+Z +-$/m)
  assert.match(stdout, /^morning +add\(1, 2\) +30 8 \* \* 1-5 Europe\/Berlin +20\S+Z +-$/m)
  const [often, morning] = (await data('schedule', 'ls')) as Record<string, unknown>[]
  assert.deepEqual([often?.name, often?.every, morning?.cron], ['often', 90_000, '30 8 * * 1-5'])
  assert.equal((often as { next: string[] }).next.length, 5)

  const { id } = (await data('schedule', 'run', 'often')) as { id: string }
  assert.equal((await run('result', id, '--wait')).stdout, '7\n')
  assert.deepEqual(await data('schedule', 'pause', 'often'), { name: 'often', answer: 'paused' })
  assert.match(
    (await run('schedule', 'ls')).stdout,
    /^often +add\(3, 4\) +every 1 min 30 s +- +\S.* ago +paused$/m,
  )
  assert.equal((await run('schedule', 'resume', 'often', '-q', 'cli')).stdout, 'often: resumed\n')

  const unsure = await run('schedule', 'rm', 'often')
  assert.deepEqual([unsure.code, unsure.stdout], [2, ''])
  assert.match(unsure.stderr, /this would remove schedule often: say --yes to do it/)
  assert.equal((await run('schedule', 'rm', 'often', '--yes')).stdout, 'often: removed\n')
  const gone = await run('schedule', 'rm', 'often', '--yes')
  assert.deepEqual([gone.code, gone.stderr], [1, 'millrace: there is no schedule often in queue cli\n'])
  assert.equal((await run('schedule', 'run', 'often')).code, 1)
  assert.equal((await run('schedule', 'pause', 'a b')).code, 2)
})
