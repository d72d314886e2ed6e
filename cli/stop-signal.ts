const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface StopSignal {
  /** Resolves at the first request to end: Ctrl-C, `kill`, the terminal closing, or the parent process gone. */
  readonly requested: Promise<void>
  /**
   * Drops what others do on these signals. Miniflare ends the process at once with 128 + the signal's number; the
   * database must be closed first, and a stop that was asked for is a success.
   */
  takeOver(): void
}

export function listenForStop(): StopSignal {
  const { promise, resolve } = Promise.withResolvers<void>()
  const onSignal = (): void => resolve()
  for (const signal of endingSignals) process.on(signal, onSignal)
  // Whoever started this may be killed without a word to us; then nobody would ever end it.
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) resolve()
  }, 1000).unref()
  return {
    requested: promise,
    takeOver() {
      for (const signal of endingSignals)
        for (const listener of process.listeners(signal)) if (listener !== onSignal) process.off(signal, listener)
    },
  }
}
