import { AppError } from '../errors.ts'

const windowMs = 5 * 60_000
const maxFailuresPerAccount = 20
const maxFailuresPerAddress = 200
const maxTracked = 10_000

/** Slows password guessing: failures per account and per address within five minutes, kept in memory. */
export class LoginLimiter {
  private readonly failures = new Map<string, number[]>()
  private readonly now: () => Date

  constructor(now: () => Date) {
    this.now = now
  }

  /** @throws {AppError} status 429 while an account or address has failed too often */
  assertAllowed(account: string, address: string): void {
    const now = this.now().getTime()
    for (const [key, max] of keysOf(account, address)) {
      const recent = this.recent(key, now)
      const oldest = recent[0]
      if (recent.length >= max && oldest !== undefined)
        throw new AppError('AuthError', 'too many login attempts', {
          status: 429,
          retryAfterSeconds: Math.max(1, Math.ceil((oldest + windowMs - now) / 1000)),
        })
    }
  }

  recordFailure(account: string, address: string): void {
    const now = this.now().getTime()
    for (const [key] of keysOf(account, address)) {
      const recent = [...this.recent(key, now), now]
      // Moved to the end, so that the oldest entry is the one forgotten when the table is full.
      this.failures.delete(key)
      this.failures.set(key, recent)
    }
    while (this.failures.size > maxTracked) {
      const oldest = this.failures.keys().next().value
      if (oldest === undefined) break
      this.failures.delete(oldest)
    }
  }

  /** Takes back the failure that was recorded before the outcome was known, and what the account had before. */
  recordSuccess(account: string, address: string): void {
    this.failures.delete(`account ${account}`)
    this.failures.get(`address ${address}`)?.pop()
  }

  private recent(key: string, now: number): number[] {
    return (this.failures.get(key) ?? []).filter((at) => at > now - windowMs)
  }
}

function keysOf(account: string, address: string): [string, number][] {
  const keys: [string, number][] = [[`account ${account}`, maxFailuresPerAccount]]
  if (address !== '') keys.push([`address ${address}`, maxFailuresPerAddress])
  return keys
}
