/** Hears of changes in source files, for development. */

import { type FSWatcher, readdirSync, watch } from 'node:fs'
import { join } from 'node:path'

/** An editor writes a file in several steps, ms. */
const QUIET = 100
const MOST_FOLDERS = 2_000
const SOURCE = /\.([cm]?[jt]sx?|json)$/

/** Calls back once for changes that come together. Packages and hidden folders do not count. Answers how to end it. */
export function watchSources(folder: string, onChange: (file: string) => void): () => void {
  let timer: NodeJS.Timeout | undefined
  const hear = (within: string, name: string | null): void => {
    if (name === null || !SOURCE.test(name)) return
    clearTimeout(timer)
    timer = setTimeout(() => onChange(join(within, name)), QUIET)
  }
  const watchers = foldersBelow(folder).map((within): FSWatcher => {
    const watcher = watch(within, (_event, name) => hear(within, name))
    // A folder that is gone has nothing more to say.
    return watcher.on('error', () => watcher.close())
  })
  return () => {
    clearTimeout(timer)
    for (const watcher of watchers) watcher.close()
  }
}

function foldersBelow(folder: string): string[] {
  const found = [folder]
  for (let at = 0; at < found.length && found.length < MOST_FOLDERS; at++) {
    for (const entry of readdirSync(found[at]!, { withFileTypes: true })) {
      const isIts = entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules'
      if (isIts) found.push(join(found[at]!, entry.name))
    }
  }
  return found
}
