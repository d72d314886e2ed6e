import type { Log } from '../../runtime/log.ts'

function isFatal(error: Error): boolean {
  return 'syscall' in error && error.syscall === 'listen'
}

function ignore(): void {}

/**
 * Keeps the process alive when a function of an app leaves a rejected promise behind (App Services logs it as
 * `UncaughtPromiseRejection`), or when a socket or timer that it or a package of it opened throws with nobody to catch:
 * Node would end for either, and with it every other call. A port that cannot be listened on still ends the process. Nor
 * does it end when nobody reads its output any more; to log that would fail again, without end.
 *
 * @returns stops doing so
 */
export function surviveUnhandledRejections(log: Log): () => void {
  const report = (kind: string, reason: unknown): void => {
    const error = reason instanceof Error ? reason : new Error(String(reason))
    log({
      type: 'function',
      status: 'error',
      error: `${kind}: ${error.message}`,
      ...(error.stack === undefined ? {} : { stack: error.stack }),
    })
  }
  const onRejection = (reason: unknown): void => report('uncaught promise rejection', reason)
  const onException = (error: Error): void => {
    report('uncaught exception', error)
    if (isFatal(error)) process.exit(1)
  }
  const outputs = [process.stdout, process.stderr]
  for (const output of outputs) output.on('error', ignore)
  process.on('unhandledRejection', onRejection)
  process.on('uncaughtException', onException)
  return () => {
    for (const output of outputs) output.off('error', ignore)
    process.off('unhandledRejection', onRejection)
    process.off('uncaughtException', onException)
  }
}
