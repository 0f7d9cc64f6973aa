/** A TCP proxy in front of a real Redis: everything passes, until the spec says otherwise. */

import { connect, createServer, type Socket } from 'node:net'

export interface Proxy extends AsyncDisposable {
  readonly url: string
  /** Bytes towards the client pass through this. */
  rewrite: (chunk: Buffer) => Buffer
  /** Ends all connections; new ones are accepted. */
  cut(): void
  /** From now on nothing passes, on old and new connections, and nothing is closed: half open. */
  silence(): void
  /** Lets bytes pass again, on new connections. */
  speak(): void
}

export async function startProxy(port: number): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let silent = false
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    const pair = [client, upstream] as const
    let muted = silent
    const mute = (): boolean => {
      muted ||= silent
      return muted
    }
    for (const socket of pair) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        for (const other of pair) other.destroy()
      })
    }
    client.on('data', (chunk) => mute() || upstream.write(chunk))
    upstream.on('data', (chunk) => mute() || client.write(proxy.rewrite(chunk)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as { port: number }
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const proxy: Proxy = {
    url: `redis://127.0.0.1:${address.port}`,
    rewrite: (chunk) => chunk,
    cut,
    silence() {
      silent = true
    },
    speak() {
      silent = false
    },
    async [Symbol.asyncDispose]() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}
