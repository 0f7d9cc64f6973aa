import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { until } from '../../support/until.ts'
import type { Verb } from '../journal.ts'
import { Refusals } from '../refusals.ts'
import { P, Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

/** A worker that starts has to beat within it, on a busy machine too. */
const LEASE = 2_000
const SIZES = { short: { tasks: 150, ms: 3_000 }, full: { tasks: 1_500, ms: 15_000 } } as const
/** Beyond what is used when the workers are up. */
const ROOM = 4 * 1024 * 1024
/** Attempts of a killed worker that run, and those whose outcome is on its way. */
const IN_FLIGHT = 20
const PIECES = [1_000_000, 100_000, 10_000, 1_000, 100, 10] as const

export const fullMemory: Row = {
  id: 'T13',
  fault: 'maxmemory reached (noeviction), because somebody else fills every byte that is freed',
  pass: 'calls are refused with a typed error; outcomes, progress, beats and recovery go on, and a new worker can start',
  async run({ size, seed, rig: options }) {
    const { tasks, ms } = SIZES[size]
    await using rig = await Rig.start({ ...options, seed, mix: 0.1 })
    const { random, producer, redis } = rig
    const [first] = [await rig.worker({ lease: LEASE }), await rig.worker({ lease: LEASE })]
    for (let n = 0; n < tasks; n++) {
      if (random.next() < 0.3) {
        producer.call(() => rig.tasks.steps(5, random.between(1, 50)), { expected: 5 })
      } else rig.work(n, random.between(0, 300))
    }
    await until('all of the backlog to be accepted', () => {
      const lines = rig.journal.read()
      const count = (wanted: Verb): number => lines.filter(({ verb }) => verb === wanted).length
      return count('ok') === count('invoke')
    })
    const pressure = new Pressure(redis.client)
    await pressure.begin()
    const refusals = new Refusals(/^OOM /)
    const calling = producer.spread(tasks, ms, (n) => {
      refusals.watch(producer.call(() => rig.tasks.work(n, 5), { expected: n }))
    })
    // Workers come and go while there is no room.
    await delay(random.between(100, 1_000))
    const end = random.pick(['SIGTERM', 'SIGKILL'] as const)
    first.signal(end)
    await rig.worker({ lease: LEASE })
    await calling
    // All that was accepted has to end while the memory is full.
    await rig.finish()
    // The two that are left, and nobody else: who has died is known to have done so.
    await until('two workers whose leases go on', async () => {
      const left = await leases(redis.client)
      return left.length === 2 && left.every((ms) => ms > 0)
    })
    await pressure.end()
    for (let n = 0; n < 10; n++) rig.work(tasks + n)
    await rig.finish()
    const claims = rig.claims(end === 'SIGKILL' ? [first] : [])
    const failures = rig.said(/^error .*$/gm)
    const verdict = await rig.verdict({ extraRuns: end === 'SIGKILL' ? IN_FLIGHT : 0 })
    const problems = [...verdict.problems, ...rig.problems, ...refusals.problems]
    if (failures.length > 0) problems.push(`workers complained ${failures.length} times: ${failures[0]}`)
    if (claims.length > 0) problems.push(`${claims.length} live workers were taken for dead: ${claims[0]}`)
    return {
      problems,
      figures: { ...figuresOf(verdict), refused: refusals.count, 'outcome failures': failures.length },
    }
  },
}

/** Of each worker, how long its lease goes on, ms. */
async function leases(client: Redis): Promise<number[]> {
  const [time, ends] = [await client.time(), await client.zrange(`${P}:workers`, '0', '-1', 'WITHSCORES')]
  const now = Number(time[0]) * 1_000 + Number(time[1]) / 1_000
  return ends.filter((_, index) => index % 2 === 1).map((end) => Number(end) - now)
}

/** Somebody else who uses the same Redis. */
class Pressure {
  readonly #client: Redis
  #filling: Promise<void> | undefined
  #isOver = false
  #keys = 0

  constructor(client: Redis) {
    this.#client = client
  }

  /** Resolves when there is no room any more. From then on all that is freed is taken again. */
  async begin(): Promise<void> {
    const used = Number(/^used_memory:(\d+)/m.exec(await this.#client.info('memory'))![1])
    await this.#client.config('SET', 'maxmemory', String(used + ROOM))
    await this.#fill()
    // A row that fails for another reason takes Redis away.
    this.#filling = this.#goOn().catch(() => {})
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#filling
    await this.#client.config('SET', 'maxmemory', '0')
    for (let key = 0; key < this.#keys; key++) await this.#client.del(`junk:${key}`)
  }

  async #goOn(): Promise<void> {
    while (!this.#isOver) {
      await delay(10)
      await this.#fill()
    }
  }

  async #fill(): Promise<void> {
    for (const size of PIECES) while (await this.#put(size));
  }

  /** False: refused. */
  async #put(size: number): Promise<boolean> {
    const answer = await this.#client.set(`junk:${this.#keys}`, Buffer.alloc(size)).catch((error: Error) => {
      if (!error.message.startsWith('OOM')) throw error
    })
    if (answer === 'OK') this.#keys += 1
    return answer === 'OK'
  }
}
