/**
 * Every Redis key, once. P = `<namespace>:{<queue>}`: the braces are the hash tag that keeps a queue in one slot.
 * The scripts build the same names from P (lua/shared/base.lua).
 *
 * | key             | type       | lives |
 * |-----------------|------------|-------|
 * | P:stream:<lane> | stream     | always; an entry from enqueue until its task ends or moves |
 * | P:task:<id>     | hash       | until the retention of its outcome is over |
 * | P:front         | list       | id of tasks that were put ahead of all others, the newest first |
 * | P:line:<lane>   | sorted set | `<limit key> <number> <id>` of tasks that wait for their key's turn, slot or rate |
 * | P:ring          | sorted set | limit keys that may go now, by when they were served last |
 * | P:resting       | sorted set | limit keys by when they are looked at again: at their rate, or, each minute, at their concurrency |
 * | P:limit:<key>   | hash       | the numbers of the newest call, and the last number given, while tasks wait or hold slots |
 * | P:busy:<key>    | set        | ids of the tasks that hold the key's slots |
 * | P:rate:<key>    | list       | when the last tasks of the key began, at most `max`; until `per` ms after the last |
 * | P:waiting       | sorted set | id of tasks that wait for the end of others, by since when |
 * | P:scheduled     | sorted set | id by the time that it is due: delayed tasks and those that wait for another attempt |
 * | P:expiring      | sorted set | id by the time that its ttl, its deadline or its patience is over; until then |
 * | P:deps:<id>     | hash       | who waits for the end of that task → as which of its parents; until all are told. `<queue>|<id>`, in another queue → the trip (lua/shared/away.lua) |
 * | P:releasing     | hash       | tasks that have ended, or are lost, and whose dependents are not all told → how, and when the record goes |
 * | P:outbox        | sorted set | letters to other queues, by when they are brought (again); until they have arrived (lua/shared/away.lua) |
 * | P:flow:<flow>   | hash       | members → their parents; `open`: how many have not ended; `until`: the longest retention of those that have, after which it goes |
 * | P:parked        | sorted set | `<name>/<id>` of tasks that no worker knows, by name |
 * | P:void:<lane>   | set        | unread entries that shall not run, until their turn comes |
 * | P:joined:<id>   | string     | the task that a call joined, for a minute |
 * | P:key:<key>     | string     | id of the task that holds a dedupe key, until it ends or for the time that it is held |
 * | P:chunks:<id>   | list       | what a task has yielded and nobody has read; as long as its record, of one that did not succeed 1 h at most after its end |
 * | P:cancelling    | sorted set | places of running tasks that shall be aborted, for an hour after the last |
 * | P:settings      | hash       | what operators have set: paused, concurrency; and what turns have to look at: front, lines, lanes (others than normal are used), void, again |
 * | P:ended         | hash       | how many tasks ended, by state |
 * | P:failed        | sorted set | id by time of failure, at most `maxFailed` |
 * | P:workers       | sorted set | worker id by end of lease, while it is registered |
 * | P:worker:<id>   | hash       | as its registration; a day at most without a beat. What it says of itself, and what it was told: asked, order, question, until |
 * | P:answer:<question> | string  | what a worker is doing, for whoever asked; 30 s |
 * | P:schedule:<name> | hash     | a schedule, until it is removed: when, missed, overlap; its call: lane, how, call; since, slot, paused; last, ran (schedule.lua, fire.lua) |
 * | P:slots         | sorted set | schedule by when its next slot is due, inf: paused, or there is none; as long as the schedule |
 * | P:untidy        | hash       | lanes where done entries lie above one that still runs, until that one ends, or wait in a long lane to be trimmed together → how many, about; from 32 on none wait |
 * | P:quarantine    | list       | the last 100 entries that nobody could run |
 * | P:reply:<client>| channel    | pub/sub: outcomes, progress and that there are chunks, to callers |
 * | P:control       | channel    | pub/sub: to all workers: `due <ms>`, `slot <ms>`, `outbox`, `cancel <place>`, `room <place>`, `void`, `front`, `parked <name>`, `settings`, `paused`, `order [<worker>]`, `question <worker> <question>`, `watch <ms>` |
 * | P:events        | channel    | pub/sub: what workers do, as JSON, while somebody listens: lib/redis/events.ts |
 *
 * In another slot, for all queues of a namespace: no script sees it, and nothing depends on it (directory.ts).
 *
 * | <namespace>:queues | sorted set | queue by when it was last seen; 30 days after that at most, and the newest 10,000 |
 */

import type { Lane } from '../record.ts'

export const GROUP = 'workers'

/** The directory of a namespace's queues. */
export const queuesKey = (namespace: string): string => `${namespace}:queues`

export class Keys {
  /** P itself: no key, but what scripts get as one, so that they are routed to the queue's slot. */
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

  flow(id: string): string {
    return `${this.prefix}:flow:${id}`
  }

  get events(): string {
    return `${this.prefix}:events`
  }

  get control(): string {
    return `${this.prefix}:control`
  }

  replies(client: string): string {
    return `${this.prefix}:reply:${client}`
  }
}
