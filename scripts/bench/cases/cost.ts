/** What a task and a worker cost: CPU on all three sides, commands, bytes. */

import { idleCost, idleMemory } from '../measure/idle.ts'
import { bytesOf, commands, life } from '../measure/life.ts'
import { recovery } from '../measure/recovery.ts'
import { type Case, latency, lower, type Must } from './case.ts'

const bytes = (title: string, figure: string, must?: Must) => lower(title, figure, 'B', must)

/** Argument and result of the same size. */
const sized = (name: string, title: string, size: number): Case => ({
  name,
  tasks: { full: 10_000, quick: 2_000 },
  measure: bytesOf(size),
  rows: [
    bytes(`bytes per waiting task, ${title} argument`, 'queued'),
    { ...bytes(`bytes per finished task, ${title} argument and result`, 'completed'), defaultOnly: true },
  ],
  rounds: { full: 5, quick: 1 },
  cold: true,
})

const IDLE = [1, 8, 64]

export const COST: readonly Case[] = [
  {
    name: 'life',
    // Bytes per task depend on how full the server's hash tables are, which is the same for both numbers. (BullMQ's
    // stream of events is capped near 10,000, so per task it weighs more in the smaller one.)
    tasks: { full: 20_000, quick: 10_000 },
    measure: life({ concurrency: 100 }),
    rows: [
      // Of 0.23 and 0.35 with 10.5 µs at most, when BullMQ took 48 and bee-queue 31 beside it (docs/decisions.md).
      latency('Redis CPU per task life', 'cpu', { bullmq: 0.22, bee: 0.34 }),
      latency('Node CPU per task, producer (bulk)', 'producerCpu'),
      latency('Node CPU per task, worker (c = 100)', 'workerCpu'),
      lower('Redis commands per task life, with those of scripts', 'commands', ''),
      bytes('bytes per queued small task', 'queued', { atMost: 215 }),
      { ...bytes('bytes per completed small task', 'completed', { atMost: 270 }), defaultOnly: true },
    ],
  },
  {
    name: 'commands',
    tasks: { full: 5_000, quick: 2_000 },
    measure: commands({ concurrency: 100 }),
    rows: [
      lower('commands sent per task life (bulk, c = 100)', 'sent', ''),
      lower('commands called by scripts per task life', 'inScripts', ''),
    ],
    rounds: { full: 5, quick: 1 },
    cold: true,
  },
  sized('bytes-10', '10 B', 10),
  sized('bytes-200', '200 B', 200),
  sized('bytes-2k', '2 KiB', 2_048),
  {
    name: 'recovery',
    tasks: { full: 10_000, quick: 10_000 },
    measure: recovery,
    rows: [
      lower('{tasks} tasks of a killed worker, lease 1 s: first runs', 'first', 'ms'),
      lower('… all have run', 'all', 'ms'),
      latency('… Redis CPU per task, with its second run', 'cpu'),
    ],
    without: {
      floor: 'recovers nothing',
      // Tried: 727 of 10,000 had run again before the kill.
      bullmq: 'renews locks of 1 s too late for 10,000 tasks at once, so those of a living worker run again',
    },
    rounds: { full: 50, quick: 1 },
    cold: true,
    fullOnly: true,
    defaultOnly: true,
  },
  {
    name: 'idle-memory',
    tasks: { full: 1, quick: 1 },
    measure: idleMemory,
    rows: [lower('memory of an idle worker process, RSS', 'rss', 'MB'), lower('… heap used', 'heap', 'MB')],
    rounds: { full: 50, quick: 1 },
    cold: true,
    fullOnly: true,
    defaultOnly: true,
  },
  {
    name: 'idle-cost',
    // Seconds. Several of the systems look around every five.
    tasks: { full: 10, quick: 5 },
    measure: idleCost(IDLE),
    rows: IDLE.flatMap((workers) => {
      const who = workers === 1 ? '1 idle worker' : `${workers} idle workers`
      return [
        lower(`commands per second, ${who}, sent`, `sent_${workers}`, '/s'),
        lower('… with those of scripts', `all_${workers}`, '/s'),
        lower('… Redis CPU, ‰ of a core', `cpu_${workers}`, '‰'),
      ]
    }),
    rounds: { full: 3, quick: 1 },
    cold: true,
    fullOnly: true,
    defaultOnly: true,
  },
]
