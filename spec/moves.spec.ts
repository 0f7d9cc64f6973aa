/**
 * The state machine of a task, cell by cell: each way by which the real scripts bring a task into a state × all that
 * can be said of it. A cell is `answer → state afterwards`, or the answer alone where the task stays as it is. It is
 * said twice: the second time moves nothing further. At the end, the moves that were seen are those of lib/record.ts.
 */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  END_STATES,
  type EndState,
  MOVES,
  OPEN_STATES,
  type OpenState,
  type TaskState,
} from '../lib/record.ts'
import { Connection } from '../lib/redis/connection.ts'
import { loadScripts } from '../lib/redis/scripts.ts'
import type { How, OutcomeState, Place } from '../lib/redis/wire.ts'
import { DELAY, HOUR, ID, NAME, PATIENCE, SECOND, TTL, World } from './support/moves.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { until } from './support/until.ts'

let redis: TestRedis
let connection: Connection
before(async () => {
  redis = await startRedis()
  connection = new Connection(redis.url, { role: 'spec' })
  await connection.ready(5_000)
  loadScripts(connection.client)
})
after(async () => {
  connection?.close()
  await redis?.stop()
})

/**
 * What a token is worth. held: the task is to be had under it · left: its worker has put the task off by it · ended:
 * the task ended under it · nobody's: all else.
 */
type Worth = 'held' | 'left' | 'ended' | "nobody's"

interface Start {
  readonly state: TaskState
  /** Of the token that the record names, else of the newest that was given out. */
  readonly newest: Worth
  /** Of the one before. */
  readonly stale?: Worth
  /** It was asked to end while it runs. */
  readonly isTold?: true
  readonly bring: (w: World) => Promise<unknown>
}

const steps =
  (...list: ((w: World) => Promise<unknown>)[]) =>
  async (w: World): Promise<void> => {
    for (const step of list) await step(w)
  }
const call =
  (...how: How) =>
  (w: World) =>
    w.enqueue(...how)
const waits = call('key', 'k', 'again', '1')
/** `other` runs beside it. */
const waitsForOther = call('after', 'other')
const otherEnds = (state: EndState) => (w: World) => w.finish(state, TTL, w.held[1], 'w2', 'other')
const waitsForLater = call('key', 'k', 'again', '1', 'in', DELAY)
const begins = (w: World) => w.begin()
const ends =
  (state: OutcomeState, ttl = TTL) =>
  (w: World) =>
    w.finish(state, ttl)
const cancels = (w: World) => w.admin.cancel(ID, 'enough', TTL)
const passes = (ms: number) => (w: World) => w.forward(ms)
const promotes = (w: World) => w.promote()
const dies = (worker: string) => (w: World) => w.kill(worker)
const recovers = (maxCrashes: number) => (w: World) => w.recover(maxCrashes)
const unparks = (name: string) => async (w: World) => String(await w.store.unpark('w2', 100, [name]))
/** A worker comes that knows the task. */
const knows = (w: World) => w.store.register('w3', TTL, { tasks: NAME })

const start = (
  state: TaskState,
  newest: Worth,
  bring: Start['bring'],
  more: Pick<Start, 'stale' | 'isTold'> = {},
): Start => ({ state, newest, bring, ...more })

const STARTS = {
  waiting: start('waiting', "nobody's", waits),
  'waiting, for later': start('waiting', "nobody's", waitsForLater),
  'waiting, the key is free again': start(
    'waiting',
    "nobody's",
    steps(waits, (w) => w.client.del(w.key('key:k'))),
  ),
  'waiting, for a parent': start('waiting', "nobody's", waitsForOther),
  scheduled: start('scheduled', "nobody's", call('in', DELAY)),
  'scheduled, another attempt': start('scheduled', 'left', steps(call(), begins, ends('retry', DELAY))),
  'scheduled, given back': start(
    'scheduled',
    "nobody's",
    steps(call(), begins, async (w) => w.release('w1', (await w.tokens()).newest, DELAY)),
  ),
  'parked, known elsewhere': start('parked', 'left', steps(knows, call(), begins, ends('parked', PATIENCE))),
  queued: start('queued', 'held', call()),
  'queued, ahead of all': start('queued', "nobody's", call('newest', '1')),
  'queued, another attempt': start('queued', 'held', steps(call(), begins, ends('retry', 0)), {
    stale: 'left',
  }),
  'queued, recovered': start('queued', 'held', steps(call(), begins, dies('w1'), recovers(3))),
  'queued, moved': start(
    'queued',
    'held',
    steps(call(), (w) => w.admin.move(ID, 'high')),
  ),
  'queued, redriven': start(
    'queued',
    'held',
    steps(call(), begins, ends('failed'), (w) => w.admin.redrive([ID])),
  ),
  'queued, redriven unknown': start(
    'queued',
    'held',
    steps(call(), begins, ends('parked', SECOND), passes(SECOND), promotes, (w) => w.admin.redrive([ID])),
  ),
  'queued, its group made anew': start(
    'queued',
    'held',
    steps(call(), begins, (w) => w.remakeGroup()),
  ),
  running: start('running', 'held', steps(call(), begins)),
  'running, recovered': start(
    'running',
    'held',
    steps(call(), (w) => w.begin('w4'), dies('w4'), recovers(3), begins),
  ),
  'running, told to end': start('running', 'held', steps(call(), begins, cancels), { isTold: true }),
  parked: start('parked', 'left', steps(call(), begins, ends('parked', PATIENCE))),
  succeeded: start('succeeded', 'ended', steps(call(), begins, ends('succeeded'))),
  failed: start('failed', 'ended', steps(call(), begins, ends('failed'))),
  'failed, poison': start('failed', 'ended', steps(call(), begins, dies('w1'), recovers(1))),
  'failed, unknown': start(
    'failed',
    'left',
    steps(call(), begins, ends('parked', SECOND), passes(SECOND), promotes),
  ),
  'failed, with its parent': start('failed', "nobody's", steps(waitsForOther, otherEnds('failed'))),
  cancelled: start('cancelled', 'ended', steps(call(), cancels)),
  'cancelled, waited for a parent': start('cancelled', "nobody's", steps(waitsForOther, cancels)),
  'cancelled, ran': start('cancelled', 'ended', steps(call(), begins, cancels, ends('cancelled'))),
  'cancelled, waited': start('cancelled', "nobody's", steps(waits, cancels)),
  'cancelled, scheduled': start('cancelled', "nobody's", steps(call('in', DELAY), cancels)),
  'cancelled, parked': start('cancelled', 'left', steps(call(), begins, ends('parked', PATIENCE), cancels)),
  expired: start('expired', 'ended', steps(call('ttl', SECOND), passes(SECOND), promotes)),
  'expired, waited for a parent': start(
    'expired',
    "nobody's",
    steps(call('after', 'other', 'ttl', SECOND), passes(SECOND), promotes),
  ),
  'expired, ran': start('expired', 'ended', steps(call(), begins, ends('expired'))),
} satisfies Record<string, Start>

type Cells = Readonly<Record<TaskState, string> & { [name in keyof typeof STARTS]?: string }>

interface Tokens {
  readonly newest: Place
  readonly stale: Place
}

interface Verb {
  readonly name: string
  /** What the call of the task says besides. */
  readonly how?: How
  /** Before it is said. */
  readonly given?: (w: World) => Promise<unknown>
  readonly say: (w: World, tokens: Tokens) => Promise<string>
  readonly cells: Cells | ((start: Start) => string)
}

const live = (cell: string): Record<OpenState, string> => each(OPEN_STATES, () => cell)
const ended = (cell: string): Record<EndState, string> => each(END_STATES, () => cell)
const all = (cell: string): Record<TaskState, string> => ({ ...live(cell), ...ended(cell) })
const each = <S extends TaskState>(states: readonly S[], cell: (state: S) => string): Record<S, string> =>
  Object.fromEntries(states.map((state) => [state, cell(state)])) as Record<S, string>

const operators: Verb[] = [
  { name: 'the call again', say: (w) => w.replay(false), cells: all('accepted') },
  { name: 'the call again, said to be resent', say: (w) => w.replay(true), cells: all('accepted') },
  {
    name: 'cancel',
    say: (w) => w.admin.cancel(ID, 'enough', TTL),
    cells: {
      ...live('cancelled → cancelled'),
      running: 'running',
      ...ended('ended'),
      cancelled: 'cancelled',
    },
  },
  {
    name: 'move to another lane',
    say: (w) => w.admin.move(ID, 'low'),
    cells: { ...live('moved'), running: 'running', ...ended('ended') },
  },
  {
    name: 'redrive',
    say: async (w) => (await w.admin.redrive([ID]))[0]!,
    cells: {
      ...{ ...live('alive'), ...ended('retried → queued'), succeeded: 'succeeded' },
      // The one that it waited for runs still.
      'cancelled, waited': 'key',
      'failed, with its parent': 'retried → waiting',
      'cancelled, waited for a parent': 'retried → waiting',
      'expired, waited for a parent': 'retried → waiting',
    },
  },
  {
    name: 'remove',
    say: async (w) => {
      const [answer] = await w.admin.remove([ID], 'removed', TTL)
      const isTold = (await w.inspect())?.cancelReason === 'removed'
      return isTold ? `${answer}, and told to end` : answer!
    },
    cells: {
      ...{ ...live('removed → cancelled'), running: 'running' },
      // Of a cancelled one the record stays for those who are just told of it.
      ...{ ...ended('removed → none'), cancelled: 'removed' },
    },
  },
]

interface Brought {
  readonly state: OutcomeState
  readonly ttl: number
  readonly to: TaskState
}
const OUTCOMES: Readonly<Record<string, Brought>> = {
  succeeded: { state: 'succeeded', ttl: TTL, to: 'succeeded' },
  failed: { state: 'failed', ttl: TTL, to: 'failed' },
  expired: { state: 'expired', ttl: TTL, to: 'expired' },
  cancelled: { state: 'cancelled', ttl: 0, to: 'cancelled' },
  'retry later': { state: 'retry', ttl: DELAY, to: 'scheduled' },
  'retry at once': { state: 'retry', ttl: 0, to: 'queued' },
  parked: { state: 'parked', ttl: PATIENCE, to: 'parked' },
}

/** What a turn answers to an outcome, by what the token is worth: the head of lua/turn.lua. */
function verdict(start: Start, { state, to }: Brought, worth: Worth): string {
  const putsOff = state === 'retry' || state === 'parked' || state === 'cancelled'
  const endedSo = state === start.state || (putsOff && start.state === 'cancelled')
  const next = putsOff && start.isTold ? 'cancelled' : to
  if (worth === 'held') return next === start.state ? 'done' : `done → ${next}`
  return (worth === 'ended' && endedSo) || (worth === 'left' && putsOff) ? 'again' : 'fenced'
}

const turns = Object.entries(OUTCOMES).flatMap(([name, brought]): Verb[] => {
  const { state, ttl } = brought
  return [
    {
      name: `turn: ${name}, under its token`,
      say: (w, { newest }) => w.finish(state, ttl, newest),
      cells: (start) => verdict(start, brought, start.newest),
    },
    {
      name: `turn: ${name}, under an older token`,
      say: (w, { stale }) => w.finish(state, ttl, stale),
      cells: (start) => verdict(start, brought, start.stale ?? "nobody's"),
    },
    {
      // The token is what counts, whoever brings it: no other worker has it.
      name: `turn: ${name}, under its token by another worker`,
      say: (w, { newest }) => w.finish(state, ttl, newest, 'w2'),
      cells: (start) => verdict(start, brought, start.newest),
    },
    {
      name: `turn: ${name}, by another worker under a token of its own`,
      say: (w) => w.finish(state, ttl, w.held[1], 'w2'),
      cells: (start) => verdict(start, brought, "nobody's"),
    },
  ]
})

const workers: Verb[] = [
  {
    name: 'turn: parked, and another worker knows it',
    given: knows,
    say: (w, { newest }) => w.finish('parked', PATIENCE, newest),
    cells: (start) => verdict(start, { state: 'parked', ttl: PATIENCE, to: 'parked' }, start.newest),
  },
  {
    name: 'turn: take',
    say: (w) => w.take('w2'),
    cells: { ...all('nothing'), queued: 'taken → running' },
  },
  {
    name: 'turn: take while the queue is paused',
    given: (w) => w.admin.settings('', { paused: '1' }),
    say: (w) => w.take('w2'),
    cells: all('paused'),
  },
  { name: 'turn: take by who is not registered', say: (w) => w.take('w9'), cells: all('dead') },
  {
    name: 'turn: take by a worker for which the call is too large',
    say: (w) => w.take('w2', 1),
    cells: { ...all('nothing'), queued: 'nothing → failed' },
  },
  {
    name: 'reread',
    say: (w, { newest }) => w.reread('w1', newest),
    cells: { ...all('nothing'), running: 'taken' },
  },
  {
    name: 'reread by a worker for which the call is too large',
    say: (w, { newest }) => w.reread('w1', newest, 1),
    cells: { ...all('nothing'), running: 'nothing → failed' },
  },
  {
    name: 'reread by another worker',
    say: (w, { newest }) => w.reread('w2', newest),
    cells: all('nothing'),
  },
  ...[0, 1].map((begun) => ({
    name: `release, ${begun ? '' : 'not '}begun`,
    say: (w: World, { newest }: Tokens) => w.release('w1', newest, begun),
    cells: {
      ...{ ...all('not held'), running: 'given back → queued' },
      'running, told to end': 'given back → cancelled',
    },
  })),
  {
    name: 'release for later',
    say: (w, { newest }) => w.release('w1', newest, DELAY),
    cells: {
      ...{ ...all('not held'), running: 'given back → scheduled' },
      'running, told to end': 'given back → cancelled',
    },
  },
  {
    name: 'release by another worker',
    say: (w, { newest }) => w.release('w2', newest, 1),
    cells: all('not held'),
  },
  {
    name: 'release under an older token',
    say: (w, { stale }) => w.release('w1', stale, 1),
    cells: all('not held'),
  },
  {
    name: 'progress',
    say: (w, { newest }) => w.progress(newest),
    cells: { ...all('fenced'), queued: 'kept', 'queued, ahead of all': 'fenced', running: 'kept' },
  },
  {
    name: 'progress under an older token',
    say: (w, { stale }) => w.progress(stale),
    cells: all('fenced'),
  },
  {
    name: 'leave',
    say: async (w) => String(await w.store.leave('w1')),
    cells: { ...all('0'), running: '1' },
  },
]

const upkeep: Verb[] = [
  { name: 'recover, with nobody dead', say: recovers(3), cells: all('nothing') },
  {
    name: 'recover after its worker died',
    given: dies('w1'),
    say: recovers(3),
    cells: {
      ...{ ...all('nothing'), running: 'recovered → queued' },
      'running, told to end': 'nothing → cancelled',
    },
  },
  {
    name: 'recover after the last worker died that may',
    given: dies('w1'),
    say: recovers(1),
    cells: {
      ...{ ...all('nothing'), running: 'poisoned → failed' },
      'running, told to end': 'nothing → cancelled',
    },
  },
  { name: 'unpark', say: unparks(NAME), cells: { ...all('0'), parked: '1 → running' } },
  { name: 'unpark tasks of another name', say: unparks('other'), cells: all('0') },
  { name: 'promote when nothing is due', say: promotes, cells: all('nothing') },
  {
    name: 'promote when delays are over',
    given: passes(DELAY),
    say: promotes,
    cells: { ...all('nothing'), scheduled: 'lined up → queued' },
  },
  {
    name: 'promote when patience is over too',
    given: passes(PATIENCE),
    say: promotes,
    cells: { ...all('nothing'), scheduled: 'lined up → queued', parked: 'ended → failed' },
  },
  {
    name: 'promote when its ttl is over',
    how: ['ttl', HOUR],
    given: passes(HOUR),
    say: promotes,
    cells: {
      ...{
        ...all('nothing'),
        waiting: 'ended → expired',
        queued: 'ended → expired',
        parked: 'ended → expired',
      },
      // Of a delayed task it begins with the delay's end; of one that had begun it counts no more.
      ...{
        scheduled: 'nothing',
        'scheduled, given back': 'ended → expired',
        'waiting, for later': 'nothing',
      },
      ...{ 'queued, another attempt': 'nothing', 'queued, recovered': 'nothing' },
      // As if for the first time, and whenever it may be.
      'queued, redriven': 'nothing',
      'queued, redriven unknown': 'nothing',
    },
  },
  {
    name: 'promote when delay and ttl are over',
    how: ['ttl', HOUR],
    given: passes(DELAY + HOUR),
    say: promotes,
    cells: {
      ...{
        ...all('nothing'),
        waiting: 'ended → expired',
        queued: 'ended → expired',
        parked: 'ended → expired',
      },
      ...{ scheduled: 'lined up and ended → expired', 'scheduled, another attempt': 'lined up → queued' },
      ...{
        'queued, another attempt': 'nothing',
        'queued, recovered': 'nothing',
        'queued, redriven': 'nothing',
        'queued, redriven unknown': 'nothing',
      },
    },
  },
  {
    name: 'promote when its deadline is over',
    how: ['deadline', HOUR],
    given: passes(HOUR),
    say: promotes,
    cells: {
      ...{ ...all('nothing'), ...live('ended → expired') },
      // That is for its worker to say.
      ...{ running: 'nothing', 'queued, redriven': 'nothing', 'queued, redriven unknown': 'nothing' },
    },
  },
]

const callers: Verb[] = [
  {
    name: 'attach',
    say: (w) => w.attach(),
    cells: { ...live('open'), ...each(END_STATES, (state) => state) },
  },
  {
    name: 'attach when its ttl is over and nobody has looked',
    how: ['ttl', HOUR],
    given: passes(HOUR),
    say: (w) => w.attach(),
    cells: {
      ...{ ...live('expired → expired'), ...each(END_STATES, (state) => state) },
      ...{ running: 'open', scheduled: 'open', 'scheduled, given back': 'expired → expired' },
      ...{
        'waiting, for later': 'open',
        'queued, another attempt': 'open',
        'queued, recovered': 'open',
        'queued, redriven': 'open',
        'queued, redriven unknown': 'open',
      },
    },
  },
  {
    name: 'attach when its deadline is over and nobody has looked',
    how: ['deadline', HOUR],
    given: passes(HOUR),
    say: (w) => w.attach(),
    cells: {
      ...{ ...live('expired → expired'), ...each(END_STATES, (state) => state) },
      ...{ running: 'open', 'queued, redriven': 'open', 'queued, redriven unknown': 'open' },
    },
  },
  ...(['succeeded', 'failed'] as const).map((state) => ({
    name: `the end of the task that holds the key: ${state}`,
    say: (w: World) => w.finish(state, TTL, w.held[0], 'w0', 'holder'),
    cells: {
      ...{ ...all('done'), waiting: 'done → queued', 'waiting, for later': 'done → scheduled' },
      'waiting, for a parent': 'done',
    },
  })),
  ...END_STATES.map((state) => ({
    name: `the end of another task, for which it may wait: ${state}`,
    say: otherEnds(state),
    cells: {
      ...all('done'),
      'waiting, for a parent': `done → ${state === 'succeeded' ? 'queued' : 'failed'}`,
      'failed, with its parent': state === 'failed' ? 'again' : 'fenced',
    },
  })),
]

const VERBS = { operators, workers: [...turns, ...workers], upkeep, callers }

/** Moves that were seen, as `from → to`. */
const seen = new Set<string>()
let cells = 0

/** Answers of those that may write to the record of a task that stays in its state. */
const WRITES = ['done', 'moved', 'kept', 'running']

/** What is wrong with a cell. */
async function walk(name: string, from: Start, verb: Verb): Promise<string[]> {
  const expected = typeof verb.cells === 'function' ? verb.cells(from) : cellOf(verb.cells, name, from.state)
  const w = await World.open(connection, verb.how ?? [])
  await from.bring(w)
  const state = await w.state()
  if (state !== from.state) return [`it is ${state} to begin with`]
  const tokens = await w.tokens()
  await verb.given?.(w)

  const wrong: string[] = []
  const record = await w.record()
  const answer = await verb.say(w, tokens)
  const next = await w.state()
  const given = next === state ? answer : `${answer} → ${next}`
  if (given !== expected) wrong.push(`expected "${expected}", given "${given}"`)
  wrong.push(...(await w.misfits(next)))
  if (next === state && !WRITES.includes(answer) && (await w.record()) !== record) {
    wrong.push('nothing was to change, and its record has')
  }
  if (next !== state && next !== 'none') seen.add(`${state} → ${next}`)

  await verb.say(w, tokens)
  const last = await w.state()
  if (last !== next) wrong.push(`said once more: ${next} → ${last}`)
  wrong.push(...(await w.misfits(last)).map((misfit) => `said once more: ${misfit}`))
  cells += 1
  return wrong
}

const cellOf = (list: Cells, name: string, state: TaskState): string =>
  list[name as keyof typeof STARTS] ?? list[state]

for (const [who, verbs] of Object.entries(VERBS)) {
  describe(`what ${who} say, in each state`, () => {
    for (const verb of verbs) {
      test(verb.name, async () => {
        const wrong = Object.entries<Start>(STARTS).map(async ([name, from]) =>
          (await walk(name, from, verb)).map((what) => `${name}: ${what}`),
        )
        assert.deepEqual((await Promise.all(wrong)).flat(), [])
      })
    }
  })
}

describe('the moves of a task', () => {
  test('a call that is taken too late to begin expires', async () => {
    const w = await World.open(connection, [])
    await w.enqueue('ttl', 1)
    await until('its time is over', () => w.isOver())
    assert.equal(await w.take('w1'), 'nothing')
    assert.equal(await w.state(), 'expired')
    assert.deepEqual(await w.misfits('expired'), [])
    seen.add('queued → expired')
  })

  test('a task that was cancelled while it waited has no place any more: the next call waits itself', async () => {
    const w = await World.open(connection, [])
    await waits(w)
    await cancels(w)
    assert.equal(await w.follow('next'), 'accepted')
    assert.equal(await w.state('next'), 'waiting')
    await w.finish('succeeded', TTL, w.held[0], 'w0', 'holder')
    assert.deepEqual([await w.state('next'), await w.state()], ['queued', 'cancelled'])
  })

  for (const isRunning of [true, false]) {
    test(`the deadline counts once the ttl is over, ${isRunning ? 'while it runs' : 'between attempts'}`, async () => {
      const w = await World.open(connection, ['ttl', HOUR / 2, 'deadline', HOUR])
      await w.enqueue()
      await w.begin()
      if (!isRunning) await w.finish('retry', DELAY)
      await w.forward(HOUR / 2)
      assert.equal(await w.promote(), 'nothing')
      if (isRunning) await w.finish('retry', DELAY)
      await w.forward(HOUR / 2)
      assert.equal(await w.promote(), 'ended')
      assert.equal(await w.state(), 'expired')
    })
  }

  test('are those that lib/record.ts lists, each of them walked', (t) => {
    const listed = Object.entries(MOVES).flatMap(([from, list]) => list.map((to) => `${from} → ${to}`))
    t.diagnostic(`${cells} cells, ${seen.size} moves`)
    assert.deepEqual([...seen].sort(), listed.sort())
  })
})
