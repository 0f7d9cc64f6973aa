/** Errors that nobody awaits: an `error` event where somebody listens, else a warning on stderr. Never silence. */

interface ErrorEmitter {
  listenerCount(event: 'error'): number
  emit(event: 'error', error: Error): boolean
}

export function report(emitter: ErrorEmitter, error: Error): void {
  if (emitter.listenerCount('error') > 0) emitter.emit('error', error)
  else
    process.emitWarning(error.message, {
      type: 'MillraceWarning',
      code: (error as { code?: string }).code ?? '',
    })
}

export const toError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown))
