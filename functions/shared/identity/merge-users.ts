import type { Context } from '../../../runtime/context.ts'
import { collectionOf, startSession } from '../database.ts'
import { audit, type UserRow } from './user-row.ts'

/** Raw collections that name a person; what is derived from them is computed again. */
const owned = [
  { name: 'analytics_events', touched: 'received_at' },
  { name: 'subscriptions', touched: 'updated_at' },
  { name: 'subscription_events', touched: 'recorded_at' },
  { name: 'nps_responses', touched: undefined },
] as const
const derived = ['user_activity_daily', 'customer_mrr_segments'] as const

/**
 * Joins the rows of accounts that Auth0 has linked: the linked row's activity and subscriptions become the primary's,
 * and the row goes. The role stays the primary's; an inactive account makes the joined one inactive.
 */
export async function mergeLinkedUsers(
  context: Context,
  primary: UserRow,
  identities: readonly string[],
  now: Date,
): Promise<void> {
  const users = collectionOf<UserRow>(context, 'users')
  for (const identity of identities) {
    if (identity === primary.auth0_id) continue
    const linked = await users.findOne({ auth0_id: identity })
    if (linked === null)
      await users.updateOne(
        { _id: primary._id, 'identities.user_id': { $ne: identity } },
        { $push: { identities: { user_id: identity } } },
      )
    else await mergeUser(context, primary, linked, now)
  }
}

async function mergeUser(context: Context, primary: UserRow, linked: UserRow, now: Date): Promise<void> {
  const session = startSession(context)
  try {
    await session.withTransaction(async () => {
      for (const { name, touched } of owned)
        await collectionOf(context, name).updateMany(
          { user_id: linked._id },
          { $set: { user_id: primary._id, ...(touched === undefined ? {} : { [touched]: now }) } },
          { session },
        )
      for (const name of derived) await collectionOf(context, name).deleteMany({ u: linked._id }, { session })
      const users = collectionOf<UserRow>(context, 'users')
      const removed = await users.deleteOne({ _id: linked._id }, { session })
      // Another login joined them meanwhile; there is nothing left to add.
      if (removed.deletedCount === 0) return
      await users.updateOne(
        { _id: primary._id },
        {
          $push: { identities: { user_id: linked.auth0_id } },
          ...(linked.created_at instanceof Date ? { $min: { created_at: linked.created_at } } : {}),
          ...(linked.last_login instanceof Date ? { $max: { last_login: linked.last_login } } : {}),
          $set: { updated_at: now, ...(linked.is_active === false ? { is_active: false } : {}) },
        },
        { session },
      )
    })
  } finally {
    session.endSession()
  }
  await audit(context, 'users_merged', primary.auth0_id, { linked: linked.auth0_id, reason: 'auth0_link' }, now)
}
