/**
 * Required ahead of a file of the project, runs its JavaScript from the folder that mirror.ts has made, where a copy of
 * this file lies. No loader: one has a thread of its own in every process, and each import is a message to it. A process
 * keeps the name of its source in process.argv, for itself and for those that it forks, and in stacks, whose places are
 * looked up when somebody reads one: Node's own way reads all maps at the start, a seventh of the whole.
 */

const { readFileSync } = require('node:fs')
const { Module, SourceMap } = require('node:module')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')
const { mirrorOf } = require('./package.json')

const run = Module.runMain
Module.runMain = (main = process.argv[1]) =>
  run(main.startsWith(mirrorOf) ? join(__dirname, main.slice(mirrorOf.length).replace(/\.ts$/, '.js')) : main)

const here = `${pathToFileURL(__dirname)}/`
const place = new RegExp(`${here.replaceAll('.', '\\.')}(?!node_modules/)([^:?)]+):(\\d+):(\\d+)`, 'g')
const maps = new Map()

function mapOf(file) {
  if (!maps.has(file)) {
    const map = JSON.parse(readFileSync(join(__dirname, `${file}.map`), 'utf8'))
    maps.set(file, { map: new SourceMap(map), source: new URL(map.sources[0], here + file).href })
  }
  return maps.get(file)
}

function sourceOf(found, file, line, column) {
  try {
    const { map, source } = mapOf(file)
    const { originalLine, originalColumn } = map.findEntry(line - 1, column - 1)
    return originalLine === undefined ? found : `${source}:${originalLine + 1}:${originalColumn + 1}`
  } catch {
    return found
  }
}

/** Node writes its own errors with their code. */
function isOfNode(error) {
  for (let at = error; at; at = Object.getPrototypeOf(at)) {
    const symbols = Object.getOwnPropertySymbols(at)
    if (symbols.some(({ description }) => description === 'kIsNodeError')) return true
  }
  return false
}

const headOf = (error) =>
  isOfNode(error) ? `${error.name} [${error.code}]: ${error.message}` : Error.prototype.toString.call(error)

Error.prepareStackTrace = (error, frames) =>
  [headOf(error), ...frames.map((frame) => String(frame).replace(place, sourceOf))].join('\n    at ')
