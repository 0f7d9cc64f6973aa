/** The benchmark's look at its own Redis: empties it, and reads what it has used. Never pointed at anybody else's. */

import { Redis } from 'ioredis'

export class Server {
  readonly redis: Redis

  constructor(url: string) {
    this.redis = new Redis(url)
  }

  /** Nothing of the last measurement is left, and nothing is still being freed. */
  async empty(): Promise<void> {
    await this.redis.flushall('SYNC')
  }

  /** CPU time that the server has used so far, µs. */
  async cpu(): Promise<number> {
    const info = await this.#info('cpu')
    return (Number(info.used_cpu_user) + Number(info.used_cpu_sys)) * 1_000_000
  }

  /** Bytes in use, without the buffers of connected clients. */
  async memory(): Promise<number> {
    const info = await this.#info('memory')
    return Number(info.used_memory) - Number(info.mem_clients_normal)
  }

  async version(): Promise<string> {
    return (await this.#info('server')).redis_version ?? 'unknown'
  }

  close(): void {
    this.redis.disconnect()
  }

  async #info(section: string): Promise<Record<string, string>> {
    const text = await this.redis.info(section)
    return Object.fromEntries(
      [...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name, value]) => [name, value]),
    )
  }
}
