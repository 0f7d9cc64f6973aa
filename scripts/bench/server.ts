/** The benchmark's look at its own Redis: empties it, and reads what it has used. Never pointed at anybody else's. */

import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'

/** `everysec`: an append-only file that is synced every second. */
export type Persistence = 'none' | 'everysec'

/** For redis-server. */
export const argumentsFor = (persistence: Persistence): string[] =>
  persistence === 'everysec' ? ['--appendonly', 'yes', '--appendfsync', 'everysec'] : []

export class Server {
  readonly url: string
  readonly redis: Redis
  readonly #persistence: Persistence

  constructor(url: string, persistence: Persistence) {
    this.url = url
    this.redis = new Redis(url)
    this.#persistence = persistence
  }

  /** Nothing of the last measurement is left, and nothing is still being freed. */
  async empty(): Promise<void> {
    await this.redis.flushall('SYNC')
    // Nor what scripts left behind, those that count among them: the next scripts would pay for it.
    await this.redis.eval("collectgarbage('collect')", 0)
    // Else the file would be rewritten at some moment in the midst of somebody's measurement.
    if (this.#persistence === 'everysec') await this.#rewriteFile()
  }

  /** CPU time that the server has used so far, µs. */
  async cpu(): Promise<number> {
    const info = await this.#info('cpu')
    return (Number(info.used_cpu_user) + Number(info.used_cpu_sys)) * 1_000_000
  }

  /** Commands so far, those of scripts and this very one included. */
  async commands(): Promise<number> {
    return Number((await this.#info('stats')).total_commands_processed)
  }

  /** Bytes in use, without the buffers of connected clients. */
  async memory(): Promise<number> {
    const info = await this.#info('memory')
    return Number(info.used_memory) - Number(info.mem_clients_normal)
  }

  async version(): Promise<string> {
    return (await this.#info('server')).redis_version ?? 'unknown'
  }

  /** As the server sees this connection. */
  async ownAddress(): Promise<string> {
    return /\baddr=(\S+)/.exec(String(await this.redis.client('INFO')))![1]!
  }

  close(): void {
    this.redis.disconnect()
  }

  async #rewriteFile(): Promise<void> {
    // Refused while one is under way, which the server may have begun by itself.
    await this.redis.bgrewriteaof().catch(() => {})
    for (;;) {
      const info = await this.#info('persistence')
      if (info.aof_rewrite_in_progress === '0' && info.aof_rewrite_scheduled === '0') return
      await delay(5)
    }
  }

  async #info(section: string): Promise<Record<string, string>> {
    const text = await this.redis.info(section)
    return Object.fromEntries(
      [...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name, value]) => [name, value]),
    )
  }
}
