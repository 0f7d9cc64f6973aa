/**
 * Every Redis key, once. P = `<namespace>:{<queue>}`: the braces are the hash tag that keeps a queue in one slot.
 * The scripts build the same names from P (lua/shared/base.lua).
 *
 * | key             | type       | lives |
 * |-----------------|------------|-------|
 * | P:stream:<lane> | stream     | always; an entry from enqueue until its task ends or moves |
 * | P:task:<id>     | hash       | until the retention of its outcome is over |
 * | P:failed        | sorted set | id by time of failure, at most `maxFailed` |
 * | P:workers       | sorted set | worker id by end of lease, while it is registered |
 * | P:worker:<id>   | hash       | as its registration; a day at most without a beat |
 * | P:untidy        | hash       | lanes where done entries lie above one that still runs, until that one ends |
 * | P:quarantine    | list       | the last 100 entries that nobody could run |
 * | P:reply:<client>| channel    | pub/sub |
 */

import type { Lane } from '../record.ts'

export const GROUP = 'workers'

export class Keys {
  /** P itself: no key, but what scripts get as KEYS[1], so that they are routed to the queue's slot. */
  readonly prefix: string

  constructor(namespace: string, queue: string) {
    this.prefix = `${namespace}:{${queue}}`
  }

  stream(lane: Lane): string {
    return `${this.prefix}:stream:${lane}`
  }

  task(id: string): string {
    return `${this.prefix}:task:${id}`
  }

  replies(client: string): string {
    return `${this.prefix}:reply:${client}`
  }
}
