/** On the loader's own thread: cuts the guard's text out of its file, and fails where it is not there exactly once. */

import { readFileSync } from 'node:fs'

let guard

export function initialize(name) {
  const guards = JSON.parse(readFileSync(new URL('./guards.json', import.meta.url), 'utf8'))
  guard = guards.find((one) => one.name === name)
  if (!guard) throw new Error(`there is no guard ${name}`)
}

export async function load(url, context, next) {
  const loaded = await next(url, context)
  if (!url.split('?')[0].endsWith(`/${guard.file}`)) return loaded
  const pieces = String(loaded.source).split(guard.cut)
  if (pieces.length < 2)
    throw new Error(`the guard ${guard.name} is not in ${guard.file} as guards.json says`)
  return { ...loaded, source: pieces.join(guard.put) }
}
