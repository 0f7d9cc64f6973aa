/** The clients that connections are made of, whatever their target was. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { Connection } from '../../lib/redis/connection.ts'
import type { RedisTarget } from '../../lib/redis/target.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'

const port = await freePort()
const TARGETS: Record<string, () => RedisTarget> = {
  'a URL': () => `redis://127.0.0.1:${port}`,
  options: () => ({ host: '127.0.0.1', port }),
  'a client': () => new Redis(port, '127.0.0.1', { lazyConnect: true }),
}

for (const [what, target] of Object.entries(TARGETS)) {
  test(`${what}: a socket that reports a second error, as over TLS, does not end the process`, async () => {
    const connection = new Connection(target(), { role: 'spec' })
    const refused: Error[] = []
    connection.client.on('error', (error: Error) => refused.push(error))
    try {
      connection.connect()
      for (const times of [1, 2]) {
        await until('it to be refused', () => refused.length >= times)
        assert.match(refused.at(-1)!.message, /ECONNREFUSED/)
        assert.doesNotThrow(() => connection.client.stream.emit('error', new Error('once more')))
      }
    } finally {
      connection.close()
    }
  })
}
