/**
 * Counts commands by who called them: MONITOR marks those of scripts, which INFO counts together with all others. It
 * slows the server, so nothing else is measured meanwhile.
 */

import { connect, type Socket } from 'node:net'
import type { Server } from './server.ts'

export interface Commands {
  /** By clients: each crossed the wire. */
  readonly sent: number
  /** By scripts, inside the server. */
  readonly inScripts: number
}

/** `+<seconds> [<database> <address or lua>] "command" …`; what a command holds is escaped, so a line is a command. */
const LINE = /^\+[\d.]+ \[\d+ ([^\]]+)\]/

export class Monitor {
  readonly #socket: Socket
  readonly #own: string
  #sent = 0
  #inScripts = 0
  #mark: { text: string; resolve: () => void } | undefined

  private constructor(socket: Socket, own: string) {
    this.#socket = socket
    this.#own = own
  }

  static async start(server: Server): Promise<Monitor> {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    const monitor = new Monitor(socket, await server.ownAddress())
    let rest = ''
    const listening = new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.on('data', (chunk: Buffer) => {
        const lines = (rest + chunk.toString('latin1')).split('\r\n')
        rest = lines.pop()!
        for (const line of lines) {
          if (line === '+OK') resolve()
          else monitor.#count(line)
        }
      })
    })
    socket.write('MONITOR\r\n')
    await listening
    return monitor
  }

  /** Since the start. The server tells its monitors before it answers: what was answered was counted or is on its way. */
  async commands(server: Server): Promise<Commands> {
    const text = `seen ${Math.random()}`
    const arrived = new Promise<void>((resolve) => {
      this.#mark = { text, resolve }
    })
    await server.redis.echo(text)
    await arrived
    return { sent: this.#sent, inScripts: this.#inScripts }
  }

  close(): void {
    this.#socket.destroy()
  }

  #count(line: string): void {
    const caller = LINE.exec(line)?.[1]
    if (caller === 'lua') this.#inScripts += 1
    else if (caller !== undefined && caller !== this.#own) this.#sent += 1
    else if (this.#mark && line.includes(this.#mark.text)) this.#mark.resolve()
  }
}
