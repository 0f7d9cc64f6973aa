/**
 * A TCP proxy in front of a real Redis: everything passes, until the spec says otherwise. It reads along, so that a
 * chosen reply can be lost on its way after Redis has done what was asked, or a command be answered without Redis.
 */

import { connect, createServer } from 'node:net'
import { type Connection, type Hooks, Pair } from './pair.ts'

type Which = (connection: Connection) => boolean

export interface Proxy extends Hooks, AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Those that are open. */
  readonly connections: readonly Connection[]
  /** Ends connections, all without `which`; new ones are accepted. */
  cut(which?: Which): void
  /** The same, by RST. */
  reset(which?: Which): void
  /** Nothing passes any more on these, and nothing is closed: half open. Without `which`: on all, and on new ones. */
  silence(which?: Which): void
  /** Lets bytes pass again, on new connections. */
  speak(): void
}

export async function startProxy(port: number): Promise<Proxy> {
  const pairs = new Set<Pair>()
  let silent = false
  const server = createServer({ noDelay: true }, (client) => {
    const pair = new Pair(client, connect({ port, host: '127.0.0.1', noDelay: true }), proxy)
    pair.isSilent = silent
    pairs.add(pair)
    client.on('close', () => pairs.delete(pair))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as { port: number }
  const chosen = (which: Which = () => true): Pair[] => [...pairs].filter(which)
  const proxy: Proxy = {
    url: `redis://127.0.0.1:${address.port}`,
    port: address.port,
    get connections() {
      return [...pairs]
    },
    rewrite: (chunk) => chunk,
    fate: () => 'pass',
    answer: () => undefined,
    shape: {},
    cut(which) {
      for (const pair of chosen(which)) pair.end()
    },
    reset(which) {
      for (const pair of chosen(which)) pair.reset()
    },
    silence(which) {
      silent ||= which === undefined
      for (const pair of chosen(which)) pair.isSilent = true
    },
    speak() {
      silent = false
    },
    async [Symbol.asyncDispose]() {
      proxy.cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}
