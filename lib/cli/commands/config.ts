/** `config`: each value that a command would go by, and where it comes from. */

import type { Command } from 'commander'
import type { RedisTarget } from '../../redis/target.ts'
import { connecting, whereOf } from '../context.ts'
import { Output, table } from '../output.ts'
import { type Flags, resolveSettings, type Settings } from '../settings.ts'

export function addConfig(program: Command): void {
  connecting(program.command('config'))
    .description('the values that commands go by, and where each comes from')
    .action((flags: Flags) => config(flags))
}

async function config(flags: Flags): Promise<void> {
  const output = new Output(flags.json === true)
  const { settings, sources, file } = await resolveSettings(flags)
  const rows = (Object.keys(settings) as (keyof Settings)[]).map((name) => ({
    name,
    value: name === 'redis' ? withoutSecret(settings.redis) : settings[name],
    ...sources[name],
  }))
  output.data(
    { file: file ?? null, values: Object.fromEntries(rows.map(({ name, ...rest }) => [name, rest])) },
    () =>
      [
        file === undefined ? 'no configuration file' : `configuration file ${file}`,
        '',
        table(
          ['name', 'value', 'from'],
          rows.map(({ name, value, from }) => [name, value === undefined ? '-' : show(value), from]),
        ),
      ].join('\n'),
  )
}

const show = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

function withoutSecret(redis: RedisTarget): string {
  if (typeof redis !== 'string') return whereOf(redis)
  try {
    const url = new URL(redis)
    if (url.password) url.password = '***'
    return url.href
  } catch {
    return whereOf(redis)
  }
}
