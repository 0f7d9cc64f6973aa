/** /healthz and /readyz for whoever watches over the process: plain HTTP, GET alone, nothing secret in it. */

import { createServer, type Server } from 'node:http'
import { EXIT, ExitError, usage } from './exit.ts'

export interface Health {
  readonly ok: boolean
  readonly [detail: string]: unknown
}

export interface HealthServer {
  readonly address: string
  close(): Promise<void>
}

/** `place`: a port of 127.0.0.1, or `host:port`. ready: may be asked often, and answers in time. Throws ExitError. */
export async function serveHealth(place: string, ready: () => Promise<Health>): Promise<HealthServer> {
  const { host, port } = parse(place)
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0]
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      response.end(request.method === 'HEAD' ? undefined : `${JSON.stringify(body)}\n`)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') answer(405, { error: 'GET only' })
    // That it answers shows that the process and its main loop live.
    else if (path === '/healthz') answer(200, { ok: true })
    else if (path === '/readyz') {
      ready().then(
        (health) => answer(health.ok ? 200 : 503, health),
        (error: Error) => answer(503, { ok: false, reasons: [error.message] }),
      )
    } else answer(404, { error: 'there is /healthz and /readyz' })
  })
  server.unref()
  await listen(server, host, port)
  const { address, port: bound } = server.address() as { address: string; port: number }
  return {
    address: `${address}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function parse(place: string): { host: string; port: number } {
  const match = /^(?:(.*):)?(\d+)$/.exec(place)
  const port = Number(match?.[2])
  if (!match || port > 65_535) {
    throw usage(`--health-port: expected a port, or host:port (given: ${place})`)
  }
  return { host: match[1]?.replace(/^\[|\]$/g, '') || '127.0.0.1', port }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'it is in use' : error.message
      reject(new ExitError(EXIT.usage, `--health-port: cannot listen on ${host}:${port}: ${why}`))
    })
    server.listen(port, host, resolve)
  })
}
