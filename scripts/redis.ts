/** `npm run redis`: a Redis for trying things out, on 127.0.0.1:6379 or the port given, until ctrl-C. */

import { RedisServerMissingError, startDevRedis } from '../lib/dev-redis.ts'

try {
  const redis = await startDevRedis({
    useEnv: false,
    port: Number(process.argv[2] ?? 6379),
    onNote: console.log,
  })
  console.log(`${redis.from}\n${redis.url}  (nothing is kept; ctrl-C ends it)`)
  const alive = setInterval(() => {}, 60_000)
  const end = (): void => {
    clearInterval(alive)
    void redis.stop()
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
} catch (error) {
  if (!(error instanceof Error)) throw error
  console.error(error.message)
  process.exitCode = error instanceof RedisServerMissingError ? 69 : 1
}
