import { setTimeout as delay } from 'node:timers/promises'
import { Queue } from '../../../lib/index.ts'
import { type Proxy as RedisProxy, startProxy } from '../../support/proxy.ts'
import type { Journal } from '../journal.ts'
import { Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'
import { defineTasks, NAME } from '../worker.ts'

const CUT = 5_000
/** A sweep of ten seconds, give or take a tenth, and a second for what follows. */
const MOST = 12_000
/** Each caller has a subscriber of its own, so that many are cut at a time. */
const SIZES = { short: { callers: 2, cuts: 1 }, full: { callers: 20, cuts: 5 } } as const

export const lostReplies: Row = {
  id: 'T22',
  fault:
    'the subscriber of a caller cut for 5 s, again and again; what is published to it dropped on the way',
  pass: 'every wait settles within the sweep and a little, with the right outcome',
  async run({ size, seed, rig: options }) {
    const { callers, cuts } = SIZES[size]
    await using rig = await Rig.start({ ...options, seed })
    const { random } = rig
    await rig.worker({ concurrency: 100 })
    /** Ids whose reply has a gap to fall into. */
    const hit = new Set<string>()
    let n = 0
    const call = async (caller: Caller, ms: number): Promise<void> => {
      const work = n++
      const time = random.between(0, 100)
      hit.add(rig.producer.call(() => caller.tasks.work(work, time), { expected: work }).id)
      await delay(ms)
    }
    const suffer = async (caller: Caller): Promise<void> => {
      for (let cut = 0; cut < cuts; cut++) {
        caller.drop()
        for (const end = performance.now() + 500; performance.now() < end; ) await call(caller, 100)
        caller.cut()
        for (const end = performance.now() + CUT; performance.now() < end; ) await call(caller, 200)
        caller.mend()
        await delay(random.between(0, 1_000))
      }
      if (size === 'short') return
      // Nothing but the sweep finds these.
      caller.drop()
      for (let i = 0; i < 10; i++) await call(caller, 100)
    }
    const all = await Promise.all(Array.from({ length: callers }, () => Caller.start(rig.redis.port)))
    try {
      await Promise.all(all.map(suffer))
      await rig.finish()
    } finally {
      for (const caller of all) await caller[Symbol.asyncDispose]()
    }
    const waits = waitsOf(rig.journal, hit)
    const worst = Math.max(...waits)
    const verdict = await rig.verdict()
    const problems = [...verdict.problems, ...rig.problems]
    if (worst > MOST) problems.push(`a wait settled ${worst} ms after its task had ended`)
    return {
      problems,
      figures: { ...figuresOf(verdict), cuts: callers * cuts },
      peaks: { 'worst wait, ms': worst },
      recoveries: waits,
    }
  },
}

/** A client of its own behind a proxy of its own. */
class Caller implements AsyncDisposable {
  readonly tasks: ReturnType<typeof defineTasks>
  readonly #queue: Queue
  readonly #proxy: RedisProxy

  private constructor(proxy: RedisProxy) {
    this.#proxy = proxy
    this.#queue = new Queue(NAME, { redis: proxy.url })
    // Its lost connection is told, which is right.
    this.#queue.on('error', () => {})
    this.tasks = defineTasks(this.#queue)
  }

  static async start(port: number): Promise<Caller> {
    return new Caller(await startProxy(port))
  }

  /** What is published goes nowhere; the subscription seems to stand. */
  drop(): void {
    this.#proxy.rewrite = (chunk) => (isPublished(chunk) ? Buffer.alloc(0) : chunk)
  }

  /** The subscriber's connection is gone, and each new one as soon as it says whose it is. */
  cut(): void {
    this.mend()
    this.#proxy.fate = ({ from }) => (from === 'millrace:replies' ? 'cut' : 'pass')
    this.#proxy.cut(({ name }) => name === 'millrace:replies')
  }

  mend(): void {
    this.#proxy.rewrite = (chunk) => chunk
    this.#proxy.fate = () => 'pass'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue.close()
    await this.#proxy[Symbol.asyncDispose]()
  }
}

function isPublished(chunk: Buffer): boolean {
  const head = chunk.toString('latin1', 0, 200)
  return head.includes('\r\nmessage\r\n') && head.includes(':reply:')
}

/** From the end of the handler to the settling of the wait, ms. */
function waitsOf(journal: Journal, ids: ReadonlySet<string>): number[] {
  const endedAt = new Map<string, number>()
  const waits: number[] = []
  for (const { verb, id, at } of journal.read()) {
    if (verb === 'end') endedAt.set(id, at)
    if (verb === 'settled' && ids.has(id)) waits.push(at - (endedAt.get(id) ?? at))
  }
  return waits
}
