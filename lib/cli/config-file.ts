/** Finds and reads `millrace.config.*`. */

import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { toError } from '../report.ts'
import type { Config } from './config.ts'
import { usage } from './exit.ts'
import { prepareFor } from './typescript.ts'

const NAMES = ['ts', 'mts', 'js', 'mjs'].map((ending) => `millrace.config.${ending}`)

const KNOWN: Record<keyof Config, true> = {
  ...{ redis: true, namespace: true, name: true, modules: true, queues: true, processes: true },
  ...{ drainTimeout: true, log: true, maxTasks: true, maxMemory: true, healthPort: true, defaults: true },
}

export interface ConfigFile {
  /** Undefined: there is none. */
  readonly file: string | undefined
  /** Relative paths in it are meant from here. */
  readonly folder: string
  readonly config: Config
}

/** `given`: by a flag; else the one in `folder`, or in the nearest folder above. Throws ExitError. */
export async function readConfig(folder: string, given?: string): Promise<ConfigFile> {
  const file = given === undefined ? find(folder) : resolve(folder, given)
  if (file === undefined) return { file, folder, config: {} }
  if (!existsSync(file)) throw usage(`no configuration ${given} in ${folder}`)
  await prepareFor([file], dirname(file))
  const { default: config } = (await import(pathToFileURL(file).href).catch((thrown: unknown) => {
    throw usage(`${file} could not be loaded: ${toError(thrown).message}`)
  })) as { default?: unknown }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw usage(`${file} must have a default export: export default defineConfig({ … })`)
  }
  for (const name of Object.keys(config)) {
    if (!Object.hasOwn(KNOWN, name)) {
      throw usage(`${file}: unknown option "${name}" (known: ${Object.keys(KNOWN).join(', ')})`)
    }
  }
  return { file, folder: dirname(file), config }
}

function find(from: string): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const name = NAMES.find((one) => existsSync(join(folder, one)))
    if (name) return join(folder, name)
    if (folder === dirname(folder)) return undefined
  }
}
