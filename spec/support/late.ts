import type { Hooks } from './pair.ts'

/** The replies for which `isLate` says so wait for `ms` in the proxy, and what follows them on their connection; others pass. */
export function delayReplies(proxy: Hooks, ms: number, isLate: (reply: string) => boolean): void {
  proxy.fate = (_, reply) => {
    if (isLate(reply.toString('latin1'))) {
      proxy.shape = { delay: [ms, ms] }
      // The reply leaves in this tick.
      setImmediate(() => {
        proxy.shape = {}
      })
    }
    return 'pass'
  }
}
