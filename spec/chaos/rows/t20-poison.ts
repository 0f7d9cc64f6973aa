import type { TaskHandle } from '../../../lib/index.ts'
import { until } from '../../support/until.ts'
import { Crew } from '../crew.ts'
import { definePoison } from '../poison.ts'
import { Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

/** A process that gets no time for so long is taken for dead, too. */
const LEASE = 1_000
/** Ms: some forty processes die, and on a busy machine the next takes 10 s to start. */
const PATIENCE = 300_000
/** Calls; they make about half as many tasks more. */
const SIZES = {
  short: { each: 1, tasks: 120, workers: 2, ms: 1_500, maxCrashes: 2 },
  full: { each: 4, tasks: 2_200, workers: 3, ms: 40_000, maxCrashes: 3 },
} as const

type Kind = keyof ReturnType<typeof definePoison>
/** How each has to end: the code of its error, or the state of one that ends well. */
const ENDS: Readonly<Record<Kind, string>> = {
  abort: 'ERR_MILLRACE_POISON',
  segfault: 'ERR_MILLRACE_POISON',
  heap: 'ERR_MILLRACE_POISON',
  loop: 'ERR_MILLRACE_TASK_TIMEOUT',
  never: 'ERR_MILLRACE_TASK_TIMEOUT',
  giant: 'ERR_MILLRACE_PAYLOAD_TOO_LARGE',
  flood: 'succeeded',
}
const KILLERS: readonly Kind[] = ['abort', 'segfault', 'heap']

export const poison: Row = {
  id: 'T20',
  fault:
    'handlers that abort, segfault, fill the heap, loop without end, never settle, return or print too much',
  pass: 'each ends as it should after a bounded number of deaths; tasks that ran beside them succeed',
  async run({ size, seed, rig: options }) {
    const { each, tasks, workers, ms, maxCrashes } = SIZES[size]
    await using rig = await Rig.start({
      ...{ ...options, seed, mix: 0.1, script: 'spec/chaos/poison.ts' },
      execArgv: [...(options.execArgv ?? []), '--max-old-space-size=64'],
    })
    const { random } = rig
    await using crew = await Crew.hire(rig, workers, {
      ...{ lease: LEASE, concurrency: 5, maxCrashes, abortGrace: 200 },
    })
    const kinds = Object.keys(ENDS) as Kind[]
    const doses = random.shuffled(kinds.flatMap((kind) => Array<Kind>(each).fill(kind)))
    const harmful = definePoison(rig.queue)
    const given: { readonly kind: Kind; readonly handle: TaskHandle }[] = []
    const every = Math.floor(tasks / doses.length)
    await rig.producer.spread(tasks, ms, (n) => {
      rig.work(n, random.between(0, 60))
      const kind = n % every === 0 ? doses.pop() : undefined
      if (!kind) return
      const pause = random.between(0, 100)
      given.push({ kind, handle: rig.producer.call(() => harmful[kind](pause)) })
    })
    const beginnings = (): Map<string, number> => {
      const begins = new Map<string, number>()
      for (const { verb, id } of rig.journal.read()) {
        if (verb === 'start') begins.set(id, (begins.get(id) ?? 0) + 1)
      }
      return begins
    }
    const tooOften = (): string[] => {
      const begins = beginnings()
      const all = given.map(({ kind, handle }) => ({ kind, count: begins.get(handle.id) ?? 0 }))
      // A process that a loop costs gives back what ran beside it, uncharged: that has begun once more.
      const uncharged = all.reduce((sum, { kind, count }) => sum + (kind === 'loop' ? count : 0), 0)
      const over = all.filter(({ kind, count }) => count > maxCrashes + (kind === 'loop' ? 0 : uncharged))
      return over.map(({ kind, count }) => `${kind} began ${count} times`)
    }
    let isOver = false
    const hung: string[] = []
    const finish = rig
      .finish(PATIENCE)
      .catch((error: Error) => hung.push(error.message))
      .finally(() => {
        isOver = true
      })
    // What is not bounded is not waited for.
    await until('the end', () => isOver || tooOften().length > 0, PATIENCE + 10_000)
    await crew.over()
    const problems = tooOften()
    if (problems.length > 0) return { problems, figures: {} }
    await finish
    problems.push(...hung)
    if (hung.length > 0) return { problems, figures: {} }
    const verdict = await rig.verdict({ mayFail: true })
    const begins = beginnings()
    problems.push(...verdict.problems, ...rig.problems)
    for (const { kind, handle } of given) {
      const info = await handle.info()
      const end = (info?.error as { code?: string } | undefined)?.code ?? info?.state
      if (end !== ENDS[kind]) problems.push(`${kind} ended as ${end} after ${info?.crashes} crashes`)
    }
    const meant = new Set(given.map(({ handle }) => handle.id))
    const lines = rig.journal.read()
    for (const { verb, id, rest } of lines) if (verb === 'invoke' && rest[0] === 'failed') meant.add(id)
    const failed = lines.filter(({ verb, rest }) => verb === 'settled' && rest[0] === 'failed')
    const innocents = failed.filter(({ id }) => !meant.has(id))
    for (const { id } of innocents) {
      const info = (await rig.queue.getTask(id))!
      problems.push(`an innocent task failed after ${info.crashes} crashes: ${(info.error as Error).message}`)
    }
    const killers = given.filter(({ kind }) => KILLERS.includes(kind))
    // The watchdog records the end of a loop ahead of that of its process, if Redis answers in time.
    const loops = given.filter(({ kind }) => kind === 'loop')
    const most = (killers.length + loops.length) * maxCrashes
    if (crew.deaths.length > most)
      problems.push(`${crew.deaths.length} processes died, where ${most} had reason to`)
    return {
      problems,
      figures: {
        ...figuresOf(verdict),
        poison: given.length,
        deaths: crew.deaths.length,
        'innocents failed': innocents.length,
      },
      peaks: {
        'crashes of one poison': Math.max(...killers.map(({ handle }) => begins.get(handle.id) ?? 0)),
      },
    }
  },
}
