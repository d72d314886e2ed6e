import type { Context } from '../../../runtime/context.ts'
import { collectionOf, startSession } from '../database.ts'
import { findUser, findUsers, recordAudit, type UserRow } from './user-row.ts'

/** Raw collections that name a person; what is derived from them is computed again. */
const owned = [
  { name: 'analytics_events', touched: 'received_at' },
  { name: 'subscriptions', touched: 'updated_at' },
  { name: 'subscription_events', touched: 'recorded_at' },
  { name: 'nps_responses', touched: undefined },
] as const
const derived = ['user_activity_daily', 'customer_mrr_segments'] as const

/**
 * Makes the stored row agree with the accounts that Auth0 says are one person, before the login is applied: an account
 * that was unlinked gets a row of its own again (it must not use the other's role), and a row whose primary account
 * became a linked one follows.
 *
 * @param identities all accounts of the person, the one that logs in included
 */
export async function alignIdentities(
  context: Context,
  auth0_id: string,
  identities: readonly string[],
  now: Date,
): Promise<void> {
  const row = await findUser(context, auth0_id)
  if (row === undefined || row.auth0_id === auth0_id) return
  const users = collectionOf<UserRow>(context, 'users')
  const unchanged = { _id: row._id, auth0_id: row.auth0_id, 'identities.user_id': auth0_id }
  const others = (row.identities ?? []).filter(({ user_id }) => user_id !== auth0_id)
  const isSwitched = identities.includes(row.auth0_id)
  await users.updateOne(unchanged, {
    $set: isSwitched
      ? { auth0_id, identities: [...others, { user_id: row.auth0_id }], updated_at: now }
      : { identities: others, updated_at: now },
  })
  const action = isSwitched ? 'primary_account_changed' : 'account_unlinked'
  await recordAudit(context, [
    {
      _id: `${action}:${auth0_id}:${now.getTime()}`,
      action,
      subject: row.auth0_id,
      account: auth0_id,
      reason: 'auth0_link',
      at: now,
    },
  ])
}

/**
 * Joins the rows of accounts that Auth0 has linked: the linked row's activity and subscriptions become the primary's,
 * and the row goes. The role stays the primary's; an inactive account makes the joined one inactive. An address that is
 * not verified links nothing.
 */
export async function mergeLinkedUsers(
  context: Context,
  primary: UserRow,
  identities: readonly string[],
  now: Date,
): Promise<void> {
  const known = new Set((primary.identities ?? []).map(({ user_id }) => user_id))
  const linkedIds = identities.filter((id) => id !== primary.auth0_id && !known.has(id))
  if (linkedIds.length === 0 || (primary.email !== undefined && primary.email_verified !== true)) return
  const rows = await findUsers(context, linkedIds)
  for (const identity of linkedIds) {
    const linked = rows.get(identity)
    // A row of its own only: an account that hangs on somebody else's row says nothing of that row.
    if (linked !== undefined && linked.auth0_id === identity) await mergeUser(context, primary, linked, now)
    else
      await collectionOf<UserRow>(context, 'users').updateOne(
        { _id: primary._id, 'identities.user_id': { $ne: identity } },
        { $push: { identities: { user_id: identity } } },
      )
  }
}

async function mergeUser(context: Context, primary: UserRow, linked: UserRow, now: Date): Promise<void> {
  const session = startSession(context)
  try {
    await session.withTransaction(async () => {
      const users = collectionOf<UserRow>(context, 'users')
      const current = await users.findOne({ _id: linked._id }, {}, { session })
      // Another login joined them meanwhile; there is nothing left to add.
      if (current === null) return
      await users.deleteOne({ _id: linked._id }, { session })
      const accounts = [{ user_id: current.auth0_id }, ...(current.identities ?? [])]
      // A deleted account is over; one that is blocked must not come back through another.
      const blocks = current.is_active === false && current.deleted_at === undefined
      const moved = await users.updateOne(
        { _id: primary._id },
        {
          $push: { identities: { $each: accounts } },
          ...(current.created_at instanceof Date ? { $min: { created_at: current.created_at } } : {}),
          ...(current.last_login instanceof Date ? { $max: { last_login: current.last_login } } : {}),
          $set: {
            updated_at: now,
            ...(blocks ? { is_active: false } : {}),
            ...(primary.app_user_id === undefined && current.app_user_id !== undefined
              ? { app_user_id: current.app_user_id }
              : {}),
          },
        },
        { session },
      )
      if (moved.matchedCount === 0) throw new Error('the row of the primary account is gone')
      for (const { name, touched } of owned)
        await collectionOf(context, name).updateMany(
          { user_id: linked._id },
          { $set: { user_id: primary._id, ...(touched === undefined ? {} : { [touched]: now }) } },
          { session },
        )
      for (const name of derived) await collectionOf(context, name).deleteMany({ u: linked._id }, { session })
    })
  } finally {
    session.endSession()
  }
  const entry = { action: 'users_merged', subject: primary.auth0_id, linked: linked.auth0_id, reason: 'auth0_link' }
  await recordAudit(context, [{ _id: `users_merged:${String(linked._id)}`, ...entry, at: now }])
}
