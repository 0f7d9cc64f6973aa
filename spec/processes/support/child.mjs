/**
 * What the supervisor's specs have it run: `child.mjs <what> [folder]`, plain JavaScript, so that it starts fast. In the
 * folder it leaves a file for each process that has begun; a file `broken` there makes those that begin later die, a file
 * `mute` makes them never say that they are ready.
 */

import { existsSync, writeFileSync } from 'node:fs'

const [what, folder = ''] = process.argv.slice(2)
const say = (message) => process.send(message)
const has = (name) => existsSync(`${folder}/${name}`)
const mark = (name) => writeFileSync(`${folder}/${name}`, process.env.MILLRACE_PROCESS ?? '')

if (folder) mark(`begun-${process.pid}`)
const stay = () => setInterval(() => {}, 60_000)
const endOnSigterm = () => process.on('SIGTERM', () => process.exit(0))
const end = {
  steady: () => {
    if (has('broken')) throw new TypeError('cannot read the configuration')
    endOnSigterm()
    stay()
    if (!has('mute')) say({ millrace: 'ready' })
  },
  stubborn: () => {
    process.on('SIGTERM', () => folder && mark(`heard-${process.pid}`))
    stay()
    say({ millrace: 'ready' })
  },
  throws: () => {
    throw new TypeError('cannot read the configuration')
  },
  leaves: () => process.exit(7),
  heap: () => {
    const kept = []
    for (;;) kept.push(new Array(10_000).fill(kept.length))
  },
  /** Wants another in its place, the first time; before that it says what means nothing. */
  worn: () => {
    endOnSigterm()
    stay()
    for (const nothing of [null, 1, 'ready', [], {}, { millrace: 7 }, { millrace: 'replace' }, { a: 1 }])
      say(nothing)
    say({ millrace: 'ready' })
    if (has('asked')) return
    mark('asked')
    say({ millrace: 'replace', why: 'after 3 tasks' })
  },
}
end[what]()
