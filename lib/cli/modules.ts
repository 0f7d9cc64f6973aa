/** Loads the modules that define tasks, and finds the queues that they make. */

import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { glob, isDynamicPattern } from 'tinyglobby'
import { hearOfQueues } from '../hosting.ts'
import type { Queue } from '../queue.ts'
import type { QueueOptions } from '../queue-options.ts'
import { toError } from '../report.ts'
import { EXIT, ExitError, usage } from './exit.ts'
import { prepareFor } from './typescript.ts'

/** Absolute paths, each once, in the order of the patterns. Throws ExitError where one finds nothing. */
export async function findModules(patterns: readonly string[], folder: string): Promise<string[]> {
  const files: string[] = []
  for (const pattern of patterns) {
    if (existsSync(resolve(folder, pattern))) {
      files.push(resolve(folder, pattern))
      continue
    }
    const found = isDynamicPattern(pattern) ? await glob(pattern, { cwd: folder, absolute: true }) : []
    if (found.length === 0) throw usage(`no task module ${pattern} in ${folder}`)
    files.push(...found.sort())
  }
  return [...new Set(files)]
}

/** Imports them; answers the queues that they made, in that order. `options`: for queues that do not say it themselves. */
export async function loadModules(
  files: readonly string[],
  folder: string,
  options: Partial<QueueOptions>,
): Promise<Queue[]> {
  const queues: Queue[] = []
  const end = hearOfQueues<Queue, QueueOptions>((queue, given) => {
    queues.push(queue)
    Object.assign(given, options)
  })
  try {
    await prepareFor(files, folder)
    for (const file of files) await load(file, folder)
  } finally {
    end()
  }
  return queues
}

async function load(file: string, folder: string): Promise<void> {
  try {
    await import(pathToFileURL(file).href)
  } catch (thrown) {
    if (thrown instanceof ExitError) throw thrown
    const error = toError(thrown)
    const name = relative(folder, file) || file
    throw new ExitError(EXIT.usage, `${name} could not be loaded${placeIn(error, file)}: ${told(error)}`, {
      cause: error,
    })
  }
}

/** Where in the file, or in one that it imports, it went wrong. */
function placeIn(error: Error, file: string): string {
  const stack = error.stack ?? ''
  const at = /\(?((?:file:\/\/)?\/[^\s():]+|[A-Za-z]:\\[^\s():]+):(\d+)(?::\d+)?\)?/.exec(
    stack
      .split('\n')
      .find((line) => !line.includes('node:') && /:\d+/.test(line) && !/node_modules/.test(line)) ?? '',
  )
  if (!at) return ''
  const place = at[1]!.startsWith('file://') ? fileURLToPath(at[1]!) : at[1]!
  return place === file ? `, line ${at[2]}` : `, in ${place}, line ${at[2]}`
}

function told(error: Error): string {
  const [first = '', second = ''] = error.message.split('\n').filter((line) => line.trim() !== '')
  // tsx says in the first line how many errors there are.
  if (first.endsWith(':')) return second
  return error.name === 'Error' ? first : `${error.name}: ${first}`
}
