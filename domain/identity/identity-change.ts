/**
 * Something that Auth0 told about a person, from whichever door: a login call, a log stream, an event stream, an export.
 * Facts are ordered by when they became true, not by arrival, so that a late message never undoes a newer one.
 */
export interface IdentityChange {
  /** Id of the message, for doing it once: `log_id`, CloudEvents `id`, `event_id`. */
  readonly id: string
  readonly auth0_id: string
  /** Milliseconds since 1970 at which it became true. */
  readonly at: number
  readonly kind: 'login' | 'registration' | 'profile' | 'blocked' | 'unblocked' | 'deleted'
  /** What is known of the profile; absent fields are unknown. */
  readonly profile: IdentityProfile
  /**
   * When the account was made, in milliseconds since 1970, where the message tells. An account made after a deletion is
   * another account of the same person: social accounts get their old id again.
   */
  readonly accountCreatedAt?: number
  /** The last login that the message knows of, in milliseconds since 1970; counts as no login of its own. */
  readonly lastLogin?: number
  /** The Auth0 tenant that speaks, where the message tells. */
  readonly tenant?: string
}

export interface IdentityProfile {
  readonly email?: string
  readonly email_verified?: boolean
  readonly display_name?: string
  readonly connection?: string
}
