/** One clock for all processes of this machine: `performance.now()` begins anew in each of them. */

const OFFSET = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/** ms; only differences mean anything. */
export const now = (): number => performance.now() + OFFSET
