/** A worker process whose handlers keep its main loop until a file is there: `REDIS_URL=… QUEUE=… … [worker options as JSON]`. */

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { Worker as Thread } from 'node:worker_threads'
import { currentTask, Queue } from '../../lib/index.ts'

const { REDIS_URL, QUEUE } = process.env
const queue = new Queue(QUEUE, { redis: REDIS_URL })

function spin(file) {
  let turns = 0
  while (!existsSync(file)) turns += 1
  return turns
}

/** Another that debugs this process: pauses the main thread, and lets it go on when the file is there. */
const DEBUGGER = `
  const { Session } = require('node:inspector')
  const { existsSync, writeSync } = require('node:fs')
  require('node:worker_threads').parentPort.on('message', (file) => {
    const session = new Session()
    session.connectToMainThread()
    session.on('Debugger.paused', () => {
      writeSync(1, 'paused by a debugger\\n')
      const timer = setInterval(() => {
        if (!existsSync(file)) return
        clearInterval(timer)
        session.post('Debugger.resume')
        session.post('Debugger.disable')
        session.disconnect()
      }, 20)
    })
    session.post('Debugger.enable', () => session.post('Debugger.pause'))
  })
`
const debugging = new Thread(DEBUGGER, { eval: true, execArgv: [] })
await new Promise((resolve) => debugging.once('online', resolve))
debugging.unref()

queue.task('spin', (file, _secret) => {
  console.log(`start ${currentTask().id}`)
  return { turned: spin(file) > 0, pid: process.pid, attempt: currentTask().attempt }
})
queue.task('native', (file) => {
  console.log(`start ${currentTask().id}`)
  execFileSync('sh', ['-c', `while [ ! -e ${file} ]; do sleep 0.02; done`])
  return 'done'
})
queue.task('debugged', (file, resume) => {
  console.log(`start ${currentTask().id}`)
  debugging.postMessage(resume)
  // The pause may come ahead of its first turn.
  spin(file)
  return 'went on'
})
/** Waits, and leaves the loop free. */
queue.task('wait', async (file) => {
  console.log(`start ${currentTask().id}`)
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20))
  return 'waited'
})

const worker = queue.worker(JSON.parse(process.argv[2] ?? '{}'))
worker.on('ready', (id) => console.log(`ready ${id}`))
process.on('SIGTERM', () => void worker.stop().then(() => queue.close()))
await worker.run()
