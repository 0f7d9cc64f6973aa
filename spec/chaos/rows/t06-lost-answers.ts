import { setTimeout as delay } from 'node:timers/promises'
import { LANES } from '../../../lib/record.ts'
import type { Fate } from '../../support/pair.ts'
import type { Command } from '../../support/resp.ts'
import { until } from '../../support/until.ts'
import { bringsOutcomes, isDelivery, scriptOf } from '../commands.ts'
import { P, Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

/** It makes few calls. */
const MIX = 0.3
const SIZES = { short: { rounds: 2, silent: 1 }, full: { rounds: 15, silent: 5 } } as const

const KINDS = {
  enqueue: (command: Command) => scriptOf(command) === 'enqueue',
  delivery: isDelivery,
  outcome: (command: Command) => bringsOutcomes(command),
} as const
type Kind = keyof typeof KINDS

export const lostAnswers: Row = {
  id: 'T6',
  fault: 'the answers to enqueue, to the blocking read and to outcomes lost, in any order',
  pass: 'one entry and one run each, under the first attempt; the outcome is done, and not fenced',
  async run({ size, seed, rig: options }) {
    const { rounds, silent } = SIZES[size]
    await using rig = await Rig.start({ ...options, seed, behind: 'proxy', mix: MIX })
    const { random, proxy } = rig
    for (let i = 0; i < 2; i++) await rig.worker({ concurrency: 5 }, 'proxy')
    let n = 0
    const faultsAt: number[] = []
    const lose = async (kind: Kind, how: Fate): Promise<void> => {
      let isLost = false
      proxy.fate = (command, reply) => {
        if (isLost || !KINDS[kind](command, reply)) return 'pass'
        isLost = true
        faultsAt.push(Date.now())
        return how
      }
      await until(`the answer of ${kind} to be lost`, async () => {
        if (!isLost) rig.work(n++, random.between(0, 20))
        await delay(random.between(0, 40))
        return isLost
      })
    }
    for (let round = 0; round < rounds; round++) {
      const kinds = Object.keys(KINDS) as Kind[]
      while (kinds.length > 0) await lose(kinds.splice(random.between(0, kinds.length - 1), 1)[0]!, 'cut')
    }
    // The socket stays open: who waits for the answer has to give up first.
    for (let time = 0; time < silent; time++) {
      await lose(random.pick(Object.keys(KINDS) as Kind[]), 'silence')
      await rig.finish()
    }
    await rig.finish()
    const starts = rig.journal.read().filter(({ verb }) => verb === 'start')
    const later = rig.unaskedAttempts
    // Each has an entry of its own; who waits for others has none until they have ended.
    const attempts = new Set(starts.map(({ id, rest }) => `${id}/${rest[0]}`)).size
    const fenced = rig.said(/^fenced (\S+)$/gm)
    // What a worker that got no time has given back, before it began, is in lane first once more.
    const givenBack = await entriesAdded(rig, 'first')
    let entries = 0
    for (const lane of LANES) if (lane !== 'first') entries += await entriesAdded(rig, lane)
    const verdict = await rig.verdict({ extraRuns: 0 })
    const problems = [...verdict.problems, ...rig.problems]
    const { fail, unknown, silent: unheard } = verdict.calls
    const refused = fail + unknown + unheard
    if (refused > 0) problems.push(`${refused} calls were not accepted`)
    if (entries !== attempts) problems.push(`${entries} entries for ${attempts} attempts`)
    if (later.length > 0) problems.push(`${later.length} attempts were counted beyond the first`)
    if (fenced.length > 0) problems.push(`${fenced.length} outcomes were fenced`)
    return {
      problems,
      figures: {
        ...figuresOf(verdict),
        'answers lost': faultsAt.length,
        duplicates: Math.max(entries, starts.length) - attempts,
        ...{ fenced: fenced.length, 'given back': givenBack },
      },
      recoveries: rig.recoveries(faultsAt, 'invoke'),
    }
  },
}

/** To the stream, ever. */
async function entriesAdded({ redis }: Rig, lane: string): Promise<number> {
  const info = (await redis.client.xinfo('STREAM', `${P}:stream:${lane}`)) as unknown[]
  return Number(info[info.indexOf('entries-added') + 1])
}
