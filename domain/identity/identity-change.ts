/**
 * Something that Auth0 told about a person, from whichever door: a login call, a log stream, an event stream, an export.
 * Facts are ordered by `at`, not by arrival, so that a late message never undoes a newer one.
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
}

export interface IdentityProfile {
  readonly email?: string
  readonly email_verified?: boolean
  readonly display_name?: string
  readonly connection?: string
}
