/** What a worker is doing now: the question, the answer that its process leaves, and how one waits for it. */

import { setTimeout as delay } from 'node:timers/promises'
import { nameOf } from '../envelope.ts'
import { isName, newClientId } from '../ids.ts'
import type { Lane } from '../record.ts'
import { ANSWER_TIMEOUT, type Runner } from './runner.ts'
import { list, type Place, text } from './wire.ts'

export interface StackFrame {
  /** '' where it has no name. */
  readonly function: string
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly column: number
}

export interface RunningTask {
  readonly id: string
  /** Undefined where it cannot be read. */
  readonly name: string | undefined
  /** Ms since it was given to this worker. */
  readonly elapsed: number
}

/** What a worker's process does now. */
export interface WorkerStacks {
  /** Tasks that run there, the longest first, at most 1,000. Where nobody answered: all that it holds. */
  readonly tasks: readonly RunningTask[]
  /** Ms that its main loop has not answered, at least; 0: it answers. Undefined: nobody answered in its place either. */
  readonly blocked: number | undefined
  /** Of its main thread, if that is blocked: the innermost call first, at most 50. No values and no arguments. */
  readonly stack: readonly StackFrame[] | undefined
  /** Why there is no stack although it is blocked, or no answer; for people. */
  readonly problem: string | undefined
}

/** Tasks of one answer. */
const MOST = 1_000
/** Ms that an answer waits to be read. */
const KEPT = 30_000
/** Between two looks for it, ms. */
const LOOK = 50

/** A task that a worker holds, and where. */
export type HeldTask = RunningTask & Place

export async function heldTasks(runner: Runner, worker: string): Promise<HeldTask[]> {
  const reply = list(await runner.run('holds', [worker, MOST]))
  const tasks: HeldTask[] = []
  for (let i = 0; i + 4 < reply.length; i += 5) {
    const [lane, entry, id, call, elapsed] = reply.slice(i, i + 5)
    // What is no call of ours ends in quarantine, and its bytes are not for terminals.
    if (!isName(text(id))) continue
    tasks.push({
      ...{ lane: text(lane) as Lane, entry: text(entry), id: text(id) },
      ...{ name: nameOf(call as Buffer), elapsed: Number(elapsed) },
    })
  }
  return tasks.sort((a, b) => b.elapsed - a.elapsed).slice(0, MOST)
}

/** For people: without their places. */
export const running = (tasks: readonly HeldTask[]): RunningTask[] =>
  tasks.map(({ id, name, elapsed }) => ({ id, name, elapsed }))

const keyOf = (runner: Runner, question: string): string => `${runner.keys.prefix}:answer:${question}`

export async function answer(runner: Runner, question: string, stacks: WorkerStacks): Promise<void> {
  const key = keyOf(runner, question)
  const value = JSON.stringify(stacks)
  await runner.connection.send((client) => client.set(key, value, 'PX', KEPT), ANSWER_TIMEOUT)
}

/** Null: there is no such worker. */
export async function askStacks(
  runner: Runner,
  worker: string,
  timeout: number,
): Promise<WorkerStacks | null> {
  const question = newClientId()
  const until = performance.now() + timeout
  if (text(await runner.run('ask', [worker, question, timeout])) === 'none') return null
  const key = keyOf(runner, question)
  for (;;) {
    const found = await runner.connection.send((client) => client.get(key), ANSWER_TIMEOUT)
    if (found !== null) {
      const { tasks, blocked, stack, problem } = JSON.parse(found) as WorkerStacks
      return { tasks, blocked, stack, problem }
    }
    if (performance.now() >= until) break
    await delay(LOOK)
  }
  const problem = `its process gave no answer for ${timeout} ms`
  return { tasks: running(await heldTasks(runner, worker)), blocked: undefined, stack: undefined, problem }
}
