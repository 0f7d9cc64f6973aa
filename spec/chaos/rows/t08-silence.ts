import { setTimeout as delay } from 'node:timers/promises'
import type { Child } from '../../support/processes.ts'
import type { Proxy as RedisProxy } from '../../support/proxy.ts'
import { Rig } from '../rig.ts'
import { figuresOf, type Row } from '../row.ts'

/** Ms that calls and waits are given. */
const OWN = 1_000
/** Each fault costs the time of a stop; the short size has one of them. */
const SIZES = { short: { calls: 5, faults: 1 }, full: { calls: 50, faults: 6 } } as const
/** Beyond their own time, for a loaded machine. */
const SLACK = 2_000
/** A drain of a second, and twice the 5 s that a worker gives Redis: to take in the last outcomes, and to hear that it leaves. */
const DRAIN = 1_000
const STOP = DRAIN + 2 * 5_000

const LOADING = '-LOADING Redis is loading the dataset in memory\r\n'

const FAULTS: Readonly<Record<string, (proxy: RedisProxy) => void>> = {
  silence: (proxy) => {
    proxy.silence()
  },
  loading: (proxy) => {
    proxy.answer = () => LOADING
  },
  /** As Redis itself does it: INFO is answered, and says so. */
  'loading, as told by INFO': (proxy) => {
    proxy.answer = ({ name }) => (/^(INFO|HELLO|CLIENT|SCRIPT)$/.test(name) ? undefined : LOADING)
    proxy.rewrite = (chunk) =>
      Buffer.from(chunk.toString('latin1').replace(/^loading:0/m, 'loading:1'), 'latin1')
  },
}

function mend(proxy: RedisProxy): void {
  proxy.speak()
  proxy.answer = () => undefined
  proxy.rewrite = (chunk) => chunk
  proxy.cut()
}

export const silence: Row = {
  id: 'T8',
  fault: 'connections accepted, then silence; endless LOADING; on new connections and on those that stand',
  pass: 'nothing waits without end: calls, waits and stops end in their time, and then all goes on',
  async run({ size, seed, rig: options }) {
    const { calls, faults } = SIZES[size]
    await using rig = await Rig.start({
      ...options,
      seed,
      behind: 'proxy',
      queue: { enqueueTimeout: OWN },
    })
    const { proxy, random } = rig
    let n = 0
    let unsettled = 0
    let stops = 0
    const problems: string[] = []
    const inTime = async (what: string, work: Promise<unknown>, ms: number): Promise<void> => {
      if (await Promise.race([work.then(() => true), delay(ms + SLACK, false)])) return
      unsettled += 1
      problems.push(`${what} had not ended after ${ms + SLACK} ms`)
    }
    const stop = async (what: string, worker: Child): Promise<void> => {
      stops += 1
      worker.signal('SIGTERM')
      await inTime(`the stop of a worker ${what}`, worker.ended, STOP)
    }
    const kinds = Object.entries(FAULTS)
    const first = random.between(0, kinds.length - 1)
    for (let fault = 0; fault < faults; fault++) {
      const [name, strike] = kinds[(first + fault) % kinds.length]!
      const old = await rig.worker({ drainTimeout: DRAIN }, 'proxy')
      rig.work(n++)
      await rig.finish()
      const isNew = random.next() < 0.5
      strike(proxy)
      if (isNew) proxy.cut()
      const young = rig.begin({ drainTimeout: DRAIN }, 'proxy')
      const waits: Promise<unknown>[] = []
      for (let call = 0; call < calls; call++) {
        const handle = rig.producer.call(() => rig.tasks.work(n++, 0))
        waits.push(inTime(`a call under ${name}`, settled(handle.enqueued), OWN))
        waits.push(inTime(`a wait under ${name}`, settled(handle.get({ timeout: OWN })), OWN))
      }
      await Promise.all(waits)
      await young.prints('begun', 30_000)
      await Promise.all([
        stop(`that stood, under ${name}`, old),
        stop(`that had not begun, under ${name}`, young),
      ])
      mend(proxy)
    }
    await rig.worker({}, 'proxy')
    rig.work(n++)
    await rig.finish()
    const verdict = await rig.verdict()
    return {
      problems: [...problems, ...verdict.problems, ...rig.problems],
      figures: { ...figuresOf(verdict), 'calls refused': verdict.calls.fail, stops, unsettled },
    }
  },
}

const settled = (promise: Promise<unknown>): Promise<void> =>
  promise.then(
    () => {},
    () => {},
  )
