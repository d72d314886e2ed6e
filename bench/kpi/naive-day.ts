import type { MongoClient } from 'mongodb'
import { biDatabase } from '../../schemas/database/collections.ts'
import { day } from './open.ts'

/**
 * What the users' own three pipelines cost for one past day (users, subscriptions, ARPU): the same facets, groups and
 * lookup, with T for the clock. `last_login` and the present subscriptions know no past, so that activity is read from
 * the events and subscriptions from their log, in the same stages.
 */
export async function naiveDay(client: MongoClient, asOf: Date): Promise<void> {
  const db = client.db(biDatabase)
  const distinct = (days: number) => [
    { $match: { timestamp: { $gte: new Date(asOf.getTime() - days * day), $lt: asOf } } },
    { $group: { _id: '$user_id' } },
    { $count: 'count' },
  ]
  const active = [
    { $match: { effective_at: { $lt: asOf } } },
    { $sort: { subscription_id: 1, effective_at: -1, seq: -1 } },
    { $group: { _id: '$subscription_id', status: { $first: '$status' }, mrr: { $first: '$mrr' } } },
    { $match: { status: 'active' } },
    { $group: { _id: null, active_subscriptions: { $sum: 1 }, total_mrr: { $sum: '$mrr' } } },
  ]
  await db
    .collection('users')
    .aggregate([{ $facet: { totalUsers: [{ $match: { created_at: { $lt: asOf } } }, { $count: 'count' }] } }])
    .toArray()
  await db
    .collection('analytics_events')
    .aggregate([{ $facet: { mau: distinct(30), dau: distinct(1) } }])
    .toArray()
  await db.collection('subscription_events').aggregate(active).toArray()
  await db
    .collection('subscription_events')
    .aggregate([...active, { $lookup: { from: 'analytics_events', pipeline: distinct(30), as: 'user_counts' } }])
    .toArray()
}
