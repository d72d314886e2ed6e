import type { Log } from '../../runtime/log.ts'

/**
 * Keeps the process alive when a function of an app leaves a rejected promise behind, which Node would otherwise end it
 * for; App Services logs it as `UncaughtPromiseRejection`.
 *
 * @returns stops doing so
 */
export function surviveUnhandledRejections(log: Log): () => void {
  const listener = (reason: unknown) => {
    const error = reason instanceof Error ? reason : new Error(String(reason))
    log({
      type: 'function',
      status: 'error',
      error: `uncaught promise rejection: ${error.message}`,
      ...(error.stack === undefined ? {} : { stack: error.stack }),
    })
  }
  process.on('unhandledRejection', listener)
  return () => process.off('unhandledRejection', listener)
}
