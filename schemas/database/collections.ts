/** What the server must hold beside the documents: indexes and change-stream images, by collection of `bi_dashboard`. */
export const biDatabase = 'bi_dashboard'

export interface IndexSpec {
  readonly key: Readonly<Record<string, 1 | -1>>
  readonly unique?: true
  readonly sparse?: true
  readonly partialFilterExpression?: Readonly<Record<string, unknown>>
  /** Seconds after the indexed date at which the document is deleted. */
  readonly expireAfterSeconds?: number
}

export interface CollectionSpec {
  readonly indexes: readonly IndexSpec[]
  /** Pre-images, for triggers that must know what changed. */
  readonly preImages?: true
}

/**
 * The indexes that the queries of the product use, and no other: low-selectivity ones and prefixes of another index cost
 * writes only (spec: KPIs 6 and 8.2).
 */
export const biCollections: Readonly<Record<string, CollectionSpec>> = {
  users: {
    indexes: [
      { key: { auth0_id: 1 }, unique: true },
      { key: { email: 1 } },
      { key: { last_login: -1 } },
      { key: { created_at: 1 } },
      { key: { deleted_at: 1 }, partialFilterExpression: { deleted_at: { $exists: true } } },
      { key: { is_test: 1 }, partialFilterExpression: { is_test: true } },
      // Empty in a sound database: they find values of a wrong type without reading every user.
      { key: { created_at: 1, _id: 1 }, partialFilterExpression: { created_at: { $type: 'array' } } },
      { key: { deleted_at: 1, _id: 1 }, partialFilterExpression: { deleted_at: { $type: 'array' } } },
      { key: { is_test: 1, _id: 1 }, partialFilterExpression: { is_test: { $gte: '' } } },
      { key: { is_test: -1, _id: 1 }, partialFilterExpression: { is_test: { $gte: Number.NEGATIVE_INFINITY } } },
      { key: { app_user_id: 1 }, sparse: true },
      { key: { 'identities.user_id': 1 }, sparse: true },
    ],
  },
  subscriptions: {
    indexes: [{ key: { user_id: 1, status: 1 } }, { key: { created_at: -1 } }, { key: { updated_at: 1 } }],
    preImages: true,
  },
  analytics_events: {
    indexes: [
      { key: { timestamp: 1, event_type: 1, user_id: 1 } },
      { key: { user_id: 1, timestamp: -1 } },
      { key: { received_at: 1, timestamp: 1 } },
      // Only events that the retention job has marked carry `expire_at`.
      { key: { expire_at: 1 }, expireAfterSeconds: 0 },
    ],
  },
  kpi_snapshots: { indexes: [{ key: { snapshot_date: -1 }, unique: true }] },
  subscription_events: {
    indexes: [
      { key: { subscription_id: 1, effective_at: -1, seq: -1 } },
      { key: { user_id: 1, effective_at: 1 } },
      { key: { recorded_at: 1 } },
      { key: { provider_event_id: 1 }, unique: true, sparse: true },
    ],
  },
  auth0_sync_events: { indexes: [{ key: { expires_at: 1 }, expireAfterSeconds: 0 }] },
  audit_events: { indexes: [{ key: { subject: 1, at: -1 } }] },
  marketing_spend: { indexes: [{ key: { period_end: 1, period_start: 1 } }, { key: { period_start: 1 } }] },
  nps_responses: {
    indexes: [
      { key: { responded_at: 1, user_id: 1, score: 1 } },
      { key: { responded_at: 1, _id: 1 }, partialFilterExpression: { responded_at: { $type: 'array' } } },
    ],
  },
  kpi_config: { indexes: [] },
  user_activity_daily: { indexes: [{ key: { d: 1, u: 1 } }] },
  customer_mrr_segments: {
    indexes: [
      { key: { to: 1, from: 1, u: 1, mrr: 1 } },
      { key: { from: 1, movement: 1, mrr: 1, prev_mrr: 1 } },
      { key: { to: 1, from: 1, cohort: 1, mrr: 1 } },
      { key: { u: 1 } },
    ],
  },
  subscription_segments: { indexes: [{ key: { status: 1, to: 1 } }, { key: { to: 1, from: 1 } }, { key: { s: 1 } }] },
}
