/**
 * The thread that beats, for all workers of this process: with an event loop of its own, so that a handler that blocks
 * the main loop does not silence them. beating.ts starts it.
 */

import { parentPort, workerData } from 'node:worker_threads'
import { Heart, type HeartData, type HeartNews, type HeartOrder } from './heart.ts'
import { type OrphanData, OrphanWatch } from './orphan.ts'

export interface ThreadData {
  /** Whether it was started by the process's main thread. */
  readonly isMain: boolean
}

/** orphan: of a process that has a supervisor. */
interface Begin {
  readonly type: 'begin'
  readonly data: HeartData
  readonly orphan: OrphanData | undefined
}

/** heart: its number. The answer to `end` is `ended`. */
export interface ThreadOrder {
  readonly heart: number
  readonly order: HeartOrder | Begin | { readonly type: 'end' }
}
export interface ThreadNews {
  readonly heart: number
  readonly news: HeartNews | { readonly type: 'ended' }
}

/** Between looks at the main loop, ms. */
const LOOK = 50

const { isMain } = workerData as ThreadData
const hearts = new Map<number, Heart>()
let looking: NodeJS.Timeout | undefined
let orphanWatch: OrphanWatch | undefined

const tell = (heart: number, news: ThreadNews['news']): void =>
  parentPort?.postMessage({ heart, news } satisfies ThreadNews)

function look(): void {
  orphanWatch?.look()
  for (const heart of hearts.values()) heart.look()
}

function begin(number: number, { data, orphan }: Begin): void {
  const heart: Heart = new Heart({
    ...{ data, isMain, period: LOOK },
    tell: (news) => tell(number, news),
    leaveOthers: () =>
      Promise.all([...hearts.values()].filter((other) => other !== heart).map((other) => other.leave())),
  })
  hearts.set(number, heart)
  if (orphan) orphanWatch ??= new OrphanWatch(orphan, LOOK)
  looking ??= setInterval(look, LOOK)
}

async function end(number: number): Promise<void> {
  const heart = hearts.get(number)
  hearts.delete(number)
  if (hearts.size === 0) {
    clearInterval(looking)
    looking = undefined
  }
  await heart?.stop()
  tell(number, { type: 'ended' })
}

parentPort?.on('message', ({ heart, order }: ThreadOrder) => {
  if (order.type === 'begin') begin(heart, order)
  else if (order.type === 'end') void end(heart)
  else hearts.get(heart)?.obey(order)
})
