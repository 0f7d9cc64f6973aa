/**
 * `npm run bench -- --plot run.json,growth.json`: draws what such files hold, as <name>.light.svg and <name>.dark.svg,
 * for `<picture>` elements. Measures nothing.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type PlotOptions, UsageError } from '../options.ts'
import type { Report } from '../report.ts'
import { drawingsOf } from './figures.ts'
import { THEMES } from './theme.ts'

/** Answers the files that it wrote. Throws UsageError. */
export function plot({ plot, out }: PlotOptions): string[] {
  const drawings = plot.flatMap((file) => drawingsOf(read(file)))
  mkdirSync(out, { recursive: true })
  return drawings.flatMap(({ name, draw }) =>
    THEMES.map((theme) => {
      const file = join(out, `${name}.${theme.name}.svg`)
      writeFileSync(file, draw(theme))
      return file
    }),
  )
}

function read(file: string): Report {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report
    if (Array.isArray(report.lines) && report.machine && report.suite) return report
  } catch (error) {
    throw new UsageError(`--plot ${file}: ${(error as Error).message}`)
  }
  throw new UsageError(`--plot ${file}: not made by --json of this benchmark`)
}
