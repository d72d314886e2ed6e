import type { LimitPolicy } from '../../schemas/edge-settings.ts'

/** Failures that count together. */
export interface FailureSubject {
  readonly policy: LimitPolicy
  readonly subject: string
}

function policy(name: string, limit: number, windowSeconds = 5 * 60): LimitPolicy {
  return { name, door: 'login', per: 'user', limit, windowSeconds, store: 'shared', onFailure: 'open' }
}

/**
 * Failed logins within five minutes. Whoever guesses from one address is stopped soon and stops nobody else; who guesses
 * from many stops new addresses of that account, for five minutes after the last try, and never one that the person has
 * logged in from within a month.
 */
export const loginLimits = {
  /** One account, from one address. */
  pair: policy('failures-account-address', 20),
  /** One account, from anywhere. */
  account: policy('failures-account', 50),
  /** One address, whatever account. */
  address: policy('failures-address', 200),
  /** Addresses that an account was used from: a success counts here as a hit. */
  known: policy('successes-account-address', 1, 30 * 86_400),
} as const

/** An address that is not known ('') counts with the accounts alone. */
export function failureSubjects(account: string, address: string) {
  const pair: FailureSubject = { policy: loginLimits.pair, subject: pairOf(account, address) }
  const all: FailureSubject = { policy: loginLimits.account, subject: account }
  const from: FailureSubject | undefined =
    address === '' ? undefined : { policy: loginLimits.address, subject: address }
  const known: FailureSubject | undefined =
    address === '' ? undefined : { policy: loginLimits.known, subject: pairOf(account, address) }
  return { pair, account: all, address: from, known }
}

function pairOf(account: string, address: string): string {
  return `${account}\0${address}`
}
