/** How long a caller waits, and how many can wait at once. */

import { delay } from '../measure/delay.ts'
import { startUp } from '../measure/idle.ts'
import { rpc, rpcBesideBacklog } from '../measure/rpc.ts'
import { type Case, latency, lower, rate } from './case.ts'

const TOGETHER = 1_000

const beside = 'RPC beside {tasks} in a lower lane'

export const LATENCY: readonly Case[] = [
  {
    name: 'rpc-1',
    tasks: { full: 6_000, quick: 800 },
    measure: rpc({ inFlight: 1, concurrency: 10 }),
    rows: [
      latency('RPC one by one, p50', 'p50', { bullmq: 0.5, bee: 1.25 }),
      latency('RPC one by one, p90', 'p90'),
      latency('RPC one by one, p99', 'p99'),
    ],
  },
  {
    name: 'rpc-100',
    tasks: { full: 30_000, quick: 3_000 },
    measure: rpc({ inFlight: 100, concurrency: 100 }),
    rows: [rate('RPC, 100 in flight', { bullmq: 7, bee: 2 }), latency('RPC, 100 in flight, p50', 'p50')],
  },
  {
    name: 'rpc-1000',
    tasks: { full: 40_000, quick: 6_000 },
    measure: rpc({ inFlight: 1_000, concurrency: 1_000 }),
    rows: [
      rate('RPC, 1,000 in flight', { bullmq: 4.8, bee: 2.7 }),
      latency('RPC, 1,000 in flight, p50', 'p50'),
    ],
  },
  {
    name: 'rpc-backlog',
    // The backlog. Ten at once, 2 ms each: 5,000 go by in a second.
    tasks: { full: 100_000, quick: 15_000, warmUp: 10_000 },
    measure: rpcBesideBacklog({ concurrency: 10, wait: 2 }),
    rows: [
      latency(`${beside}, p50 (prefetched)`, 'p50'),
      latency(`${beside}, p99 (prefetched)`, 'p99'),
      { ...latency(`${beside}, p50 (strict)`, 'p50'), strict: true },
      { ...latency(`${beside}, p99 (strict)`, 'p99'), strict: true },
    ],
    rounds: { full: 50, quick: 2 },
    without: { 'bee-queue': 'has no priorities', floor: 'has one stream' },
  },
  {
    name: 'start-up',
    tasks: { full: 1, quick: 1 },
    measure: startUp,
    rows: [lower('worker process: start to the end of its first task', 'ms', 'ms')],
    rounds: { full: 50, quick: 3 },
    cold: true,
    defaultOnly: true,
  },
  {
    name: 'delay',
    tasks: { full: 100, quick: 30 },
    measure: delay({ concurrency: 100, spread: [200, 2_000], together: TOGETHER }),
    rows: [
      lower('{tasks} delayed tasks, otherwise idle: begin late by, p50', 'p50', 'ms'),
      lower('… p99', 'p99', 'ms'),
      lower(
        `${TOGETHER.toLocaleString('en-US')} tasks due at one instant: the last begins late by`,
        'together',
        'ms',
      ),
    ],
    // Some four seconds for each system.
    rounds: { full: 50, quick: 1 },
    without: { floor: 'delays nothing' },
    // Warms up by itself, which takes less than a round.
    cold: true,
  },
]
