import type { TaskHandle } from '../../../lib/index.ts'
import { LANES } from '../../../lib/record.ts'
import { until } from '../../support/until.ts'
import { Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

const CONCURRENCY = 5
/** Ms: all slots are taken for so long; a time to live ends within that. */
const BUSY = 500
const TTL = 200
const SIZES = { short: { rounds: 2, calls: 60 }, full: { rounds: 40, calls: 300 } } as const

/** What is done to a task in line, and how it may end: where it had begun before, as if nothing had been done. */
const FATES = {
  nothing: ['succeeded'],
  move: ['succeeded'],
  cancel: ['cancelled', 'succeeded'],
  expire: ['expired', 'succeeded'],
} as const
type Fate = keyof typeof FATES

export const takenBack: Row = {
  id: 'T25',
  fault:
    'tasks cancelled, moved or expired while they wait in line, behind busy workers or in a paused queue',
  pass: 'what was cancelled or has expired in line never runs; what was moved runs once',
  async run({ size, seed, rig: options }) {
    const { rounds, calls } = SIZES[size]
    await using rig = await Rig.start({ ...options, seed })
    const { random, producer, queue, tasks } = rig
    for (let i = 0; i < 2; i++) await rig.worker({ concurrency: CONCURRENCY })
    const fates = new Map<string, Fate>()
    /** Ids of those that were told to be cancelled before they began. */
    const cancelled = new Set<string>()
    let moved = 0
    for (let round = 0; round < rounds; round++) {
      const isPaused = round % 2 === 0
      if (isPaused) await queue.pause()
      else for (let n = 0; n < 2 * CONCURRENCY; n++) rig.work(n, BUSY)
      const handles: TaskHandle[] = []
      for (let n = 0; n < calls; n++) {
        const fate = random.pick(Object.keys(FATES) as Fate[])
        const work = fate === 'expire' ? tasks.work.with({ ttl: TTL }) : tasks.work
        const time = random.between(0, 20)
        const handle = producer.call(() => work(n, time), { expected: n })
        fates.set(handle.id, fate)
        handles.push(handle)
      }
      await Promise.all(handles.map(({ enqueued }) => enqueued))
      for (const handle of random.shuffled(handles)) {
        const fate = fates.get(handle.id)
        const lane = random.pick(LANES)
        if (fate === 'cancel' && (await handle.cancel('taken back')) === 'cancelled') cancelled.add(handle.id)
        if (fate === 'move' && (await queue.move(handle.id, lane)) === 'moved') moved += 1
      }
      const expiring = handles.filter(({ id }) => fates.get(id) === 'expire')
      await until('those with a time to live to end', () =>
        expiring.every(({ id }) => !producer.unsettled.has(id)),
      )
      if (isPaused) await queue.resume()
      await rig.finish()
    }
    const verdict = await rig.verdict({ mayFail: true, extraRuns: 0 })
    const problems = [...verdict.problems, ...rig.problems]
    const lines = rig.journal.read()
    const began = new Set(lines.filter(({ verb }) => verb === 'start').map(({ id }) => id))
    const ends = new Map(lines.filter(({ verb }) => verb === 'settled').map(({ id, rest }) => [id, rest[0]!]))
    const expired = [...ends].filter(([, state]) => state === 'expired').map(([id]) => id)
    const wrong = [...cancelled, ...expired].filter((id) => began.has(id))
    if (wrong.length > 0) problems.push(`${wrong.length} tasks ran that should not: ${wrong[0]}`)
    for (const [id, fate] of fates) {
      const end = ends.get(id) ?? 'open'
      if (!(FATES[fate] as readonly string[]).includes(end)) problems.push(`${fate}: ${id} ${end}`)
    }
    return {
      problems,
      figures: {
        ...figuresOf(verdict),
        ...{ 'cancelled in line': cancelled.size, 'expired in line': expired.length, moved },
      },
    }
  },
}
