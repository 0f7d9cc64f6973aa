/**
 * What a command goes by: flags, then the environment, then the configuration file, then defaults. Each value knows
 * where it comes from, for `millrace config`.
 */

import { availableParallelism } from 'node:os'
import { LOG_LEVELS, type LogLevel } from '../logger.ts'
import type { RedisTarget } from '../redis/target.ts'
import type { TaskDefaults } from '../task-options.ts'
import type { Config, QueueConfig } from './config.ts'
import { type ConfigFile, readConfig } from './config-file.ts'
import { usage } from './exit.ts'
import { parseSize, parseTime, parseWhole } from './units.ts'

export interface Settings {
  readonly redis: RedisTarget
  readonly namespace: string
  readonly name: string | undefined
  readonly modules: readonly string[]
  /** Undefined: all queues that have tasks. */
  readonly queues: Readonly<Record<string, QueueConfig>> | undefined
  readonly processes: number
  readonly drainTimeout: number
  readonly logLevel: LogLevel
  readonly logFile: string | undefined
  readonly logFormat: 'pretty' | 'json' | undefined
  readonly maxTasks: number | undefined
  readonly maxMemory: number | undefined
  readonly healthPort: string | undefined
  readonly defaults: TaskDefaults | undefined
}

export type Source = 'flag' | 'environment' | 'file' | 'default'

export interface Resolved {
  readonly settings: Settings
  readonly sources: Readonly<Record<keyof Settings, { readonly source: Source; readonly from: string }>>
  readonly file: string | undefined
  /** Relative module paths are meant from here. */
  readonly folder: string
}

/** As they are written on the command line: text, or lists of it. */
export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

interface Setting<T> {
  readonly flag?: string
  readonly env?: string
  readonly fromFile: (config: Config) => unknown
  /** Of what was written, in a flag, the environment or the file. */
  readonly parse: (what: string, value: unknown) => T
  readonly fallback: T
}

const DEFAULT_URL = 'redis://127.0.0.1:6379'

const text = (what: string, value: unknown): string => {
  if (typeof value === 'string' && value !== '') return value
  throw usage(`${what}: expected a text`)
}
const list = (what: string, value: unknown): readonly string[] =>
  (typeof value === 'string' ? value.split(',') : (value as unknown[])).map((one) => text(what, one).trim())
const time = (what: string, value: unknown): number => parseTime(what, String(value))
const size = (what: string, value: unknown): number => parseSize(what, String(value))
const whole = (what: string, value: unknown): number => parseWhole(what, String(value))
const processes = (what: string, value: unknown): number =>
  value === 'auto' ? availableParallelism() : whole(what, value)
const oneOf =
  <const W extends string>(words: readonly W[]) =>
  (what: string, value: unknown): W => {
    if (words.includes(value as W)) return value as W
    throw usage(`${what}: expected one of ${words.join(', ')} (given: ${String(value)})`)
  }

/** `mail=5`, `mail`; or a list of them; or what the file has: { mail: 5, index: { concurrency: 1 } }. */
function queues(what: string, value: unknown): Record<string, QueueConfig> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, of]) => [name, typeof of === 'number' ? { concurrency: of } : of]),
    ) as Record<string, QueueConfig>
  }
  return Object.fromEntries(
    list(what, value).map((one) => {
      const [name = '', concurrency] = one.split('=')
      return [name, concurrency === undefined ? {} : { concurrency: parseWhole(what, concurrency) }]
    }),
  )
}

const SETTINGS: { readonly [K in keyof Settings]: Setting<Settings[K]> } = {
  redis: {
    ...{ flag: 'redis', env: 'REDIS_URL', fromFile: ({ redis }) => redis, fallback: DEFAULT_URL },
    parse: (_what, value) => value as RedisTarget,
  },
  namespace: {
    ...{ flag: 'namespace', env: 'MILLRACE_NAMESPACE', fromFile: ({ namespace }) => namespace },
    ...{ parse: text, fallback: 'millrace' },
  },
  name: {
    ...{ flag: 'name', env: 'MILLRACE_NAME', fromFile: ({ name }) => name },
    ...{ parse: text, fallback: undefined },
  },
  modules: {
    ...{ flag: 'modules', env: 'MILLRACE_MODULES', fromFile: ({ modules }) => modules },
    ...{ parse: list, fallback: [] },
  },
  queues: {
    ...{ flag: 'queue', env: 'MILLRACE_QUEUES', fromFile: (config) => config.queues },
    ...{ parse: queues, fallback: undefined },
  },
  processes: {
    ...{ flag: 'processes', env: 'MILLRACE_PROCESSES', fromFile: (config) => config.processes },
    ...{ parse: processes, fallback: 1 },
  },
  drainTimeout: {
    ...{ flag: 'drainTimeout', env: 'MILLRACE_DRAIN_TIMEOUT', fromFile: (config) => config.drainTimeout },
    ...{ parse: time, fallback: 25_000 },
  },
  logLevel: {
    ...{ flag: 'logLevel', env: 'MILLRACE_LOG_LEVEL', fromFile: ({ log }) => log?.level },
    ...{ parse: oneOf(LOG_LEVELS), fallback: 'info' },
  },
  logFile: {
    ...{ flag: 'logFile', env: 'MILLRACE_LOG_FILE', fromFile: ({ log }) => log?.file },
    ...{ parse: text, fallback: undefined },
  },
  logFormat: {
    ...{ flag: 'logFormat', env: 'MILLRACE_LOG_FORMAT', fromFile: ({ log }) => log?.format },
    ...{ parse: oneOf(['pretty', 'json']), fallback: undefined },
  },
  maxTasks: {
    ...{ flag: 'maxTasks', env: 'MILLRACE_MAX_TASKS', fromFile: (config) => config.maxTasks },
    ...{ parse: whole, fallback: undefined },
  },
  maxMemory: {
    ...{ flag: 'maxMemory', env: 'MILLRACE_MAX_MEMORY', fromFile: (config) => config.maxMemory },
    ...{ parse: size, fallback: undefined },
  },
  healthPort: {
    ...{ flag: 'healthPort', env: 'MILLRACE_HEALTH_PORT', fromFile: (config) => config.healthPort },
    ...{ parse: (what, value) => text(what, String(value)), fallback: undefined },
  },
  defaults: {
    fromFile: ({ defaults }) => defaults,
    ...{ parse: (_what, value) => value as TaskDefaults, fallback: undefined },
  },
}

export async function resolveSettings(
  flags: Flags,
  env = process.env,
  folder = process.cwd(),
): Promise<Resolved> {
  const found = await readConfig(folder, flags.config as string | undefined)
  const settings: Record<string, unknown> = {}
  const sources: Record<string, { source: Source; from: string }> = {}
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const { value, source, from } = origin(setting, flags, env, found)
    settings[name] = value === undefined ? setting.fallback : setting.parse(from, value)
    sources[name] = { source, from }
  }
  const isFromFile = sources.modules!.source === 'file'
  return {
    settings: settings as unknown as Settings,
    sources: sources as Resolved['sources'],
    file: found.file,
    folder: isFromFile ? found.folder : folder,
  }
}

function origin(
  { flag, env, fromFile }: Setting<unknown>,
  flags: Flags,
  environment: NodeJS.ProcessEnv,
  { file, config }: ConfigFile,
): { value: unknown; source: Source; from: string } {
  const given = flag === undefined ? undefined : flags[flag]
  if (flag !== undefined && given !== undefined && !(Array.isArray(given) && given.length === 0)) {
    return { value: given, source: 'flag', from: `--${dashed(flag)}` }
  }
  const variable = env && environment[env]
  if (env && variable) return { value: variable, source: 'environment', from: env }
  const configured = fromFile(config)
  if (configured !== undefined) return { value: configured, source: 'file', from: file! }
  return { value: undefined, source: 'default', from: 'default' }
}

const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
