import { setTimeout as delay } from 'node:timers/promises'
import type { Fate } from '../../support/pair.ts'
import { isDelivery } from '../commands.ts'
import type { Line } from '../journal.ts'
import { Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

/** The worker's own. */
const LEASE = 15_000
/**
 * The 5 s after which a silent socket is replaced, the 5.5 s between two looks at the pending list at most, and some
 * for a loaded machine. A task is delivered once more only if nobody has lost it twice.
 */
const MOST = 13_000
const SIZES = { short: { rounds: 1, silence: 0 }, full: { rounds: 2, silence: 60_000 } } as const

export const lostDeliveries: Row = {
  id: 'T5',
  fault:
    'replies of the blocking read lost on the way; connections reset; half open, the old ones for good and in the full size all for 60 s',
  pass: 'nothing is stranded beyond one reconcile',
  async run({ size, seed, rig: options }) {
    const { rounds, silence } = SIZES[size]
    await using rig = await Rig.start({ ...options, seed, mix: 0.1 })
    const { random, proxy, producer } = rig
    const open = { concurrency: 10, maxCrashes: 20 }
    const workers = [await rig.worker(open, 'proxy'), await rig.worker(open, 'proxy')]
    let n = 0
    const work = (): void => rig.work(n++, random.between(0, 40))
    let [losses, resets] = [0, 0]
    const faultsAt: number[] = []
    for (let round = 0; round < rounds; round++) {
      const robbed = new Set<string>()
      proxy.fate = (command, reply): Fate => {
        // One for each worker, so that no task is hit twice.
        const worker = String(command.args[2])
        if (!isDelivery(command, reply) || robbed.has(worker)) return 'pass'
        robbed.add(worker)
        losses += 1
        faultsAt.push(Date.now())
        return random.pick(['cut', 'swallow', 'silence'])
      }
      await producer.spread(20, 800, work)
      for (let reset = 0; reset < 2; reset++) {
        proxy.reset(() => random.next() < 0.3)
        resets += 1
        faultsAt.push(Date.now())
        await producer.spread(5, 200, work)
      }
      faultsAt.push(Date.now())
      proxy.silence(() => true)
      await producer.spread(20, 800, work)
      await rig.finish()
    }
    proxy.fate = () => 'pass'
    const stranded = Math.max(...delays(rig.journal.read(), 'ok', 'start'))
    const problems: string[] = []
    if (stranded > MOST) problems.push(`a task was stranded for ${stranded} ms`)

    let held = 0
    if (silence > 0) {
      // Somebody has to be left who finds them dead.
      await rig.worker(open)
      await delay(LEASE)
      const before = n
      faultsAt.push(Date.now())
      proxy.silence()
      await producer.spread(120, silence, work)
      proxy.speak()
      await rig.finish()
      const lines = rig.journal.read()
      const ids = lines.filter(({ verb }) => verb === 'invoke').map(({ id }) => id)
      const late = new Set(ids.slice(before))
      held = Math.max(
        ...delays(
          lines.filter(({ id }) => late.has(id)),
          'invoke',
          'settled',
        ),
      )
      if (held > LEASE + MOST) problems.push(`silent workers held a task for ${held} ms`)
      for (const worker of workers) await worker.prints(/^dead .*\n(.*\n)*ready /m, 60_000)
    }
    const claims = rig.claims()
    if (silence === 0 && claims.length > 0) problems.push(`taken for dead: ${claims.join(' ')}`)
    const verdict = await rig.verdict(
      silence > 0 ? { extraRuns: Number.POSITIVE_INFINITY } : { extraRuns: 0 },
    )
    return {
      problems: [...problems, ...verdict.problems, ...rig.problems],
      figures: { ...figuresOf(verdict), losses, resets },
      peaks: { 'stranded max, ms': stranded, ...(silence > 0 && { 'held by the silent max, ms': held }) },
      recoveries: rig.recoveries(faultsAt, 'invoke'),
    }
  },
}

/** Of each task, from the first line of one kind to the first of the other, ms. Who comes after others waits for them. */
function delays(lines: readonly Line[], from: Line['verb'], to: Line['verb']): number[] {
  const firstOf = (verb: Line['verb']): Map<string, number> => {
    const first = new Map<string, number>()
    for (const line of lines) {
      if (line.verb === verb && !first.has(line.id)) first.set(line.id, line.at)
    }
    return first
  }
  const [begins, settled, ends] = [firstOf(from), firstOf('settled'), firstOf(to)]
  for (const { verb, id, rest } of lines) {
    if (verb !== 'after' || !begins.has(id)) continue
    begins.set(id, Math.max(begins.get(id)!, ...rest.map((before) => settled.get(before) ?? 0)))
  }
  return [...begins].flatMap(([id, at]) => (ends.has(id) ? [ends.get(id)! - at] : []))
}
