/** `worker`: loads task modules and works on their queues until a signal, in one process or several. */

import { relative } from 'node:path'
import type { Command } from 'commander'
import type { Logger } from '../../logger.ts'
import { runAsChild } from '../../processes/as-child.ts'
import { askReplacement, isChild } from '../../processes/child.ts'
import { supervised } from '../../processes/supervise.ts'
import type { Queue } from '../../queue.ts'
import { runUntilSignal } from '../../work/signals.ts'
import { connecting, whereOf } from '../context.ts'
import { Crew, type Post } from '../crew.ts'
import { usage } from '../exit.ts'
import { type Health, type HealthServer, serveHealth } from '../health-server.ts'
import { createLogger } from '../logs.ts'
import { findModules, loadModules } from '../modules.ts'
import { nearest } from '../near.ts'
import { type Flags, resolveSettings, type Settings } from '../settings.ts'
import { watchSources } from '../watch.ts'
import { addWorkers } from './workers.ts'

const EXAMPLES = `
Examples:
  millrace worker tasks.ts                        all queues that tasks.ts defines tasks of
  millrace worker 'src/**/*.tasks.ts' --queue mail=20 --queue index=1
  millrace worker --processes auto                modules and queues as millrace.config.ts says
  millrace worker tasks.ts --burst                works until its queues are empty; --processes 4 too

SIGTERM and SIGINT: runs what has begun to its end (--drain-timeout), then ends; a second one gives it back at once.
SIGHUP, with several processes: one after the other is changed for a new one.`

interface WorkerFlags extends Flags {
  readonly burst?: boolean
  readonly verbose?: boolean
  readonly watch?: boolean
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value]

export function addWorker(program: Command): void {
  const worker = connecting(program.command('worker'))
    .description('work on the queues of task modules')
    .argument('[modules...]', 'paths or globs of modules that define tasks')
    .option(
      '--queue <name=concurrency>',
      'a queue to work on, with handlers at once; may be repeated',
      collect,
      [],
    )
    .option('--processes <n>', 'worker processes, or auto: one for each core')
    .option('--name <name>', "the first part of the workers' ids")
    .option('--drain-timeout <time>', 'how long handlers may go on after SIGTERM (default 25s)')
    .option('--burst', 'end when the queues are empty')
    .option('--watch', 'start anew when a source file changes; for development')
    .option('--max-tasks <n>', 'replace a process after so many tasks')
    .option('--max-memory <size>', 'replace a process that has so much memory, such as 512mb')
    .option('--health-port <port>', 'answer /healthz and /readyz there, on 127.0.0.1 or as host:port')
    .option('--log-level <level>', 'debug, info, warn or error')
    .option('--log-file <file>', 'append the log to it')
    .option('--log-format <format>', 'pretty or json')
    .option('--verbose', 'short for --log-level debug')
    .addHelpText('after', EXAMPLES)
    .action((modules: string[], flags: WorkerFlags) => work(modules, flags))
  addWorkers(worker)
}

/** What `worker` does; `dev` too. */
export async function work(modules: readonly string[], flags: WorkerFlags): Promise<void> {
  const { settings, folder } = await resolveSettings({
    ...{ ...flags, modules },
    ...(flags.verbose && { logLevel: 'debug' }),
  })
  const { processes, redis, namespace, defaults } = settings
  const isBurst = flags.burst === true
  const isSupervised = processes > 1 || flags.watch === true
  if (isBurst && flags.watch)
    throw usage('--burst ends when the queues are empty, --watch never does: leave out one')
  const files = await findModules(settings.modules, folder)
  if (files.length === 0) throw usage('no task modules: name them, or set `modules` in millrace.config.ts')
  const logger = createLogger({
    ...{ level: settings.logLevel, file: settings.logFile, format: settings.logFormat },
  })
  const queues = await loadModules(files, folder, { redis, namespace, ...(defaults && { defaults }) })
  const posts = postsOf(queues, settings, logger)
  for (const queue of queues) {
    queue.on('error', (err) => logger.error({ queue: queue.name, err }, err.message))
  }
  const team =
    isSupervised && !isChild ? processesOf(settings, logger) : crewOf(posts, settings, isBurst, logger)
  const { healthPort } = settings
  const server =
    isChild || healthPort === undefined ? undefined : await serveHealth(healthPort, () => team.health())
  if (!isChild) announce(posts, settings, server, logger)
  const endWatch = flags.watch && !isChild ? watchSources(folder, (file) => changed(file)) : () => {}
  try {
    await team.run()
  } finally {
    endWatch()
    await Promise.all(queues.map((queue) => queue.close()))
    await server?.close()
  }

  function changed(file: string): void {
    const path = relative(folder, file)
    logger.info({ file: path }, 'changed: starts anew')
    team.reload(`${path} has changed`)
  }
}

/** What this process runs: workers, or the supervisor of processes that do. */
interface Team {
  /** Until a signal, or until there is nothing more to do. */
  run(): Promise<void>
  reload(why: string): void
  health(): Promise<Health>
}

function crewOf(posts: readonly Post[], settings: Settings, isBurst: boolean, logger: Logger): Team {
  const { maxTasks, maxMemory, drainTimeout } = settings
  const stop = (why: string): void => {
    logger.info({ pid: process.pid }, `stops: ${why}`)
    void crew.stop()
  }
  /** A process under a supervisor asks for another; one alone ends, and whoever runs it starts it again. */
  const onEnough = (why: string): void => {
    if (isChild) {
      logger.info({ pid: process.pid }, `asks to be replaced: ${why}`)
      askReplacement(why)
    } else stop(why)
  }
  // Its supervisor takes that for done, starts no other in its place, and ends with the last.
  const onEmpty = isBurst ? () => stop('its queues are empty') : undefined
  const crew = new Crew(posts, { onEmpty, isOneOfMany: isChild, maxTasks, maxMemory, onEnough })
  return {
    run: () => (isChild ? runAsChild(crew, drainTimeout) : runUntilSignal(crew)),
    reload: () => {},
    health: async () => {
      const workers = await Promise.all(crew.workers.map((worker) => worker.health()))
      return { ok: workers.every(({ ok }) => ok), workers }
    },
  }
}

function processesOf({ processes, drainTimeout }: Settings, logger: Logger): Team {
  const onError = (error: Error): void => logger.error({}, error.message)
  const supervisor = supervised({ processes, drainTimeout, onError, logger })
  return {
    run: () => runUntilSignal(supervisor),
    reload: (why) => void supervisor.reload(why),
    health: async () => ({ ok: supervisor.ready() === processes, processes, ready: supervisor.ready() }),
  }
}

/** Which of the queues are worked on, and how. Throws ExitError where there is nothing to do. */
function postsOf(queues: readonly Queue[], settings: Settings, logger: Logger): Post[] {
  const able = queues.filter(({ taskNames }) => taskNames.length > 0)
  if (able.length === 0) {
    throw usage('the modules define no tasks: queue.task(name, function) defines one')
  }
  const names = [...new Set(able.map(({ name }) => name))]
  const wanted = settings.queues ?? Object.fromEntries(names.map((name) => [name, {}]))
  const posts: Post[] = []
  for (const [name, options] of Object.entries(wanted)) {
    const found = able.filter((queue) => queue.name === name)
    if (found.length === 0) {
      const near = nearest(name, names)
      const hint = near ? `did you mean ${near}?` : `there is ${names.join(', ')}`
      throw usage(`the modules define no tasks of queue ${name}: ${hint}`)
    }
    const { drainTimeout, name: alias } = settings
    for (const queue of found) {
      posts.push({ queue, options: { ...options, drainTimeout, logger, ...(alias && { name: alias }) } })
    }
  }
  return posts
}

function announce(
  posts: readonly Post[],
  { redis, processes }: Settings,
  server: HealthServer | undefined,
  logger: Logger,
): void {
  const queues = Object.fromEntries(posts.map(({ queue }) => [queue.name, queue.taskNames.join(' ')]))
  logger.info(
    {
      ...{ redis: whereOf(redis), processes },
      ...queues,
      ...(server && { health: server.address }),
    },
    'millrace worker starts',
  )
}
