/**
 * What was wrong with the rows behind a snapshot, stored beside its metrics (spec: KPIs 1). None of these rows changes
 * a number silently: it is left out, or read as the definition says, and counted here.
 */
export interface DataQuality {
  /** Rows in another currency without a usable rate: left out. */
  unconverted: number
  /** Read as 0. */
  negative_mrr: number
  /** Read as 0. */
  free_plan_with_mrr: number
  /** Answers outside the integers 0..10: dropped. */
  invalid_nps_scores: number
  /** Subscriptions whose last state says active although their end has passed. */
  expired_but_active: number
  /** Amounts that are no finite number, and paid plans without one: read as 0. */
  invalid_amounts: number
  /** Amounts beyond any real price: read as 0. */
  absurd_amounts: number
  /** States of subscriptions with a status of another name: read as not paying. */
  unknown_statuses: number
  /** Paying states without a plan: counted in, their price says paid. Plans that are no text: read as not paying. */
  unknown_plans: number
  /** Users whose `is_test` is neither true nor false: counted in, only `true` makes a test account. */
  invalid_test_flags: number
  /** Rows without the date they need: left out. Ends that are no date: read as none. */
  invalid_dates: number
  /** Events dated more than five minutes after their arrival: left out. */
  future_events: number
  /** People active on the described day whom `users` does not hold: counted in, an erased account was active too. */
  unknown_users: number
  /** People with an answer in the NPS window whom `users` does not hold: counted in, as anonymous answers are. */
  unknown_respondents: number
  /** Owners of a living subscription whom `users` does not hold: counted in, their revenue is real. */
  unknown_customers: number
  /** Further rows with a `provider_event_id` that is there already, of whatever subscription: left out. */
  duplicate_provider_events: number
  /** Living subscriptions read from their document alone: their past is assumed (spec: KPIs 3.2). */
  assumed_subscriptions: number
  /** Values of `kpi_config` out of range, read as the default, and 1 when it holds further documents. */
  invalid_config: number
  /** Metrics of a final snapshot that rows which arrived since would change: reported, not rewritten (spec: KPIs 8.6). */
  late_changes: number
  /** True when the described day lies before the first event. */
  before_first_event: boolean
  /** `assumed` when any living subscription has no change log. */
  history: 'log' | 'assumed'
}

export function emptyDataQuality(): DataQuality {
  return {
    unconverted: 0,
    negative_mrr: 0,
    free_plan_with_mrr: 0,
    invalid_nps_scores: 0,
    expired_but_active: 0,
    invalid_amounts: 0,
    absurd_amounts: 0,
    unknown_statuses: 0,
    unknown_plans: 0,
    invalid_test_flags: 0,
    invalid_dates: 0,
    future_events: 0,
    unknown_users: 0,
    unknown_respondents: 0,
    unknown_customers: 0,
    duplicate_provider_events: 0,
    assumed_subscriptions: 0,
    invalid_config: 0,
    late_changes: 0,
    before_first_event: false,
    history: 'log',
  }
}
