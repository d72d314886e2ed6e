import { sleep } from '../sleep.ts'

/** Pauses between attempts that all end when what they wait for is known to be back. */
export class Pauses {
  readonly #ends = new Set<() => void>()

  /** Resolves after `ms` milliseconds, or at once when `signal` aborts or `end` is called. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    const pause = new AbortController()
    const end = () => pause.abort()
    if (signal.aborted) return
    this.#ends.add(end)
    signal.addEventListener('abort', end)
    await sleep(ms, pause.signal)
    this.#ends.delete(end)
    signal.removeEventListener('abort', end)
  }

  end(): void {
    for (const end of this.#ends) end()
  }
}
