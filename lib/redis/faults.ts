/**
 * What a failed command means: did it run, and is it worth another try? Errors of ioredis carry the command with
 * its arguments, so they end here: what goes on is a RedisError with a message that holds no payload.
 */

import { RedisError } from '../errors.ts'

/** Replies that say: nothing was executed, and it may work later. */
const LATER =
  /^(NOSCRIPT|LOADING|READONLY|MOVED|ASK|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|BUSY|MISCONF|OOM|NOREPLICAS)\b/
/** Replies that only a change of the configuration cures. */
const CONFIGURATION = /^(NOAUTH|WRONGPASS|NOPERM|CROSSSLOT|DENIED)\b|unknown command|Redis \d.* is too old/i
const NO_GROUP = /^(NOGROUP|UNBLOCKED)\b/

export const isLater = (error: unknown): boolean => LATER.test(messageOf(error))
export const isConfiguration = (error: unknown): boolean => CONFIGURATION.test(messageOf(error))
/** The stream or its consumer group is gone: FLUSHALL, DEL, a failover to an empty server. */
export const isGroupGone = (error: unknown): boolean => NO_GROUP.test(messageOf(error))
/** At maxmemory: nothing was executed. */
export const isFull = (error: unknown): boolean => /^OOM\b/.test(messageOf(error))
export const isMissingScript = (error: unknown): boolean => /^NOSCRIPT\b/.test(messageOf(error))

/** True where another try, on this connection or a new one, may bring something else. */
export const isTransient = (error: unknown): boolean =>
  error instanceof RedisError &&
  !isConfiguration(error) &&
  (error.code !== 'ERR_MILLRACE_REDIS_REPLY' || isLater(error))

export function toRedisError(thrown: unknown): RedisError {
  if (thrown instanceof RedisError) return thrown
  const message = messageOf(thrown)
  const isReply = thrown instanceof Error && thrown.name === 'ReplyError'
  if (isReply) {
    const executed = isLater(thrown) || isConfiguration(thrown) ? false : 'unknown'
    return new RedisError(withoutArguments(message), executed, 'ERR_MILLRACE_REDIS_REPLY')
  }
  return new RedisError(withoutArguments(message), 'unknown')
}

/** A host with several addresses that all refuse gives an AggregateError without a message. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.message === '' && error instanceof AggregateError) return error.errors.map(messageOf).join(', ')
  return error.message
}

/** Redis quotes arguments in a few messages: "unknown command 'x', with args beginning with: 'secret'". */
const withoutArguments = (message: string): string =>
  message.replace(/,? with args beginning with:.*$/s, '').slice(0, 500)
