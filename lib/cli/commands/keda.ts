/** `keda`: a ScaledObject for Kubernetes that scales workers by what waits in a queue. */

import type { Command } from 'commander'
import { LANES } from '../../record.ts'
import { GROUP, Keys } from '../../redis/keys.ts'
import { connecting, whereOf } from '../context.ts'
import { usage } from '../exit.ts'
import { Output } from '../output.ts'
import { type Flags, resolveSettings } from '../settings.ts'
import { parseWhole } from '../units.ts'

interface KedaFlags extends Flags {
  readonly deployment?: string
  readonly lag?: string
  readonly min?: string
  readonly max?: string
}

export function addKeda(program: Command): void {
  connecting(program.command('keda'))
    .description('print a KEDA ScaledObject that scales workers by the lag of a queue')
    .argument('<queue>', 'its name')
    .option('--deployment <name>', 'what is scaled (default: <queue>-worker)')
    .option('--lag <n>', 'waiting tasks for each worker', '100')
    .option('--min <n>', 'workers at least', '1')
    .option('--max <n>', 'workers at most', '10')
    .action((queue: string, flags: KedaFlags) => keda(queue, flags))
}

async function keda(queue: string, flags: KedaFlags): Promise<void> {
  if (!/^[\w.:-]{1,128}$/.test(queue)) throw usage(`not the name of a queue: ${queue}`)
  const { settings } = await resolveSettings(flags)
  const address = whereOf(settings.redis).split('/')[0]!
  const keys = new Keys(settings.namespace, queue)
  const name = kubernetesName(queue)
  const [lag, min, max] = [
    parseWhole('--lag', flags.lag ?? '100'),
    parseWhole('--min', flags.min ?? '1', 0),
    parseWhole('--max', flags.max ?? '10'),
  ]
  const object = {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name: `${name}-worker` },
    spec: {
      scaleTargetRef: { name: flags.deployment ?? `${name}-worker` },
      ...{ minReplicaCount: min, maxReplicaCount: max },
      triggers: LANES.map((lane) => ({
        type: 'redis-streams',
        metadata: { address, stream: keys.stream(lane), consumerGroup: GROUP, lagCount: String(lag) },
      })),
    },
  }
  new Output(flags.json === true).data(object, () => yaml(object))
}

const kubernetesName = (queue: string): string =>
  queue
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '') || 'queue'

/** Of plain objects, lists, texts and numbers. Each text is quoted: JSON's quotes are YAML's too. */
function yaml(value: unknown, indent = ''): string {
  if (Array.isArray(value)) {
    return value.map((item) => `${indent}- ${yaml(item, `${indent}  `).trimStart()}`).join('\n')
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return Object.entries(value)
    .map(([key, of]) =>
      typeof of === 'object'
        ? `${indent}${key}:\n${yaml(of, `${indent}  `)}`
        : `${indent}${key}: ${JSON.stringify(of)}`,
    )
    .join('\n')
}
