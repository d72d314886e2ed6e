import type { Document } from 'bson'
import type { IdentityChange } from '../../../domain/identity/identity-change.ts'
import type { Role } from '../../../domain/identity/role.ts'
import type { Fact } from './user-row.ts'

const never = new Date(-1)

/**
 * The update that stores one change: one step on the server, so that parallel messages cannot undo each other, and each
 * fact only over an older one, so that the order of arrival does not matter. Repeating it modifies nothing.
 *
 * @param change of the row's own account, with times that are not in the future
 * @param firstRole of a row that has no role
 * @param now stored as `updated_at` when anything is newer
 */
export function changePipeline(change: IdentityChange, firstRole: Role, now: Date): Document[] {
  const at = new Date(change.at)
  const hasNoRole = { $eq: [{ $ifNull: ['$role', null] }, null] }
  const set: Record<string, unknown> = {
    role: { $ifNull: ['$role', firstRole] },
    role_assigned: { $cond: [hasNoRole, firstRole, '$role_assigned'] },
  }
  const touched: unknown[] = []
  const isNewer = (fact: Fact): Document => ({ $gt: [at, { $ifNull: [`$auth0_at.${fact}`, never] }] })
  const put = (field: string, condition: unknown, value: unknown): void => {
    set[field] = { $cond: [condition, value, `$${field}`] }
  }
  const stamp = (fact: Fact, condition: unknown, since = at): void => {
    put(`auth0_at.${fact}`, condition, since)
    touched.push(condition)
  }

  const { email, email_verified, display_name, connection } = change.profile
  for (const [fact, value] of [
    ['display_name', display_name],
    ['connection', connection],
  ] as const) {
    if (value === undefined) continue
    put(fact, isNewer(fact), { $literal: value })
    stamp(fact, isNewer(fact))
  }
  const isSameEmail = { $eq: ['$email', { $literal: email }] }
  if (email !== undefined) {
    put('email', isNewer('email'), { $literal: email })
    stamp('email', isNewer('email'))
  }
  // What was verified of one address says nothing of another; and only a message that names the address verifies it.
  const isChangedEmail = email === undefined ? false : { $and: [isNewer('email'), { $not: [isSameEmail] }] }
  if (email !== undefined && email_verified !== undefined) {
    const counts = { $or: [isChangedEmail, { $and: [isSameEmail, isNewer('email_verified')] }] }
    put('email_verified', counts, email_verified)
    stamp('email_verified', counts)
  } else if (email !== undefined) put('email_verified', isChangedEmail, false)
  else if (email_verified === false) {
    put('email_verified', isNewer('email_verified'), false)
    stamp('email_verified', isNewer('email_verified'))
  }

  putTimes(change, at, set, touched)
  putStatus(change, at, { put, stamp, isNewer })
  set.updated_at = { $cond: [{ $or: touched }, now, '$updated_at'] }
  return [{ $set: set }]
}

function putTimes(change: IdentityChange, at: Date, set: Record<string, unknown>, touched: unknown[]): void {
  const seen = change.accountCreatedAt === undefined ? at : new Date(Math.min(change.accountCreatedAt, change.at))
  // Time zero stands for a message that knows no time.
  if (seen.getTime() > 0) {
    set.created_at = { $min: ['$created_at', seen] }
    touched.push({ $gt: ['$created_at', seen] })
  }
  if (change.accountCreatedAt !== undefined)
    set['auth0_at.account'] = { $max: ['$auth0_at.account', new Date(change.accountCreatedAt)] }
  const used = change.kind === 'login' ? at : change.lastLogin === undefined ? undefined : new Date(change.lastLogin)
  if (used === undefined) return
  // Whoever may not come in has not come in.
  const counts = change.kind === 'login' ? { $ne: ['$is_active', false] } : true
  set.last_login = { $cond: [counts, { $max: ['$last_login', used] }, '$last_login'] }
  touched.push({ $and: [counts, { $gt: [used, { $ifNull: ['$last_login', never] }] }] })
}

interface Writer {
  put(field: string, condition: unknown, value: unknown): void
  stamp(fact: Fact, condition: unknown, since?: Date): void
  isNewer(fact: Fact): Document
}

const isGone = { $gt: ['$deleted_at', never] }
const isAuth0Inactive = { $eq: ['$inactive_by', 'auth0'] }

/** `inactive_by: "auth0"` marks whom Auth0 made inactive: what an admin decided outlives an unblock at Auth0. */
function putStatus(change: IdentityChange, at: Date, { put, stamp, isNewer }: Writer): void {
  const newer = isNewer('status')
  const wasActive = { $ne: ['$is_active', false] }
  if (change.kind === 'blocked') {
    put('inactive_by', { $and: [newer, wasActive] }, 'auth0')
    put('is_active', newer, false)
    stamp('status', newer)
  } else if (change.kind === 'unblocked') {
    const frees = { $and: [newer, isAuth0Inactive, { $not: [isGone] }] }
    put('is_active', frees, true)
    put('inactive_by', frees, '$$REMOVE')
    stamp('status', newer)
  } else if (change.kind === 'deleted') {
    // The account that was deleted may not be the one that exists now.
    const ends = { $and: [newer, { $gte: [at, { $ifNull: ['$auth0_at.account', never] }] }, { $not: [isGone] }] }
    put('inactive_by', { $and: [ends, wasActive] }, 'auth0')
    put('deleted_by', ends, 'auth0')
    put('deleted_at', ends, at)
    put('is_active', ends, false)
    stamp('status', ends)
  } else if (change.accountCreatedAt !== undefined) {
    // An account made after its block or deletion is another one, whether or not we heard of a deletion in between.
    const made = new Date(change.accountCreatedAt)
    const isDeletedBefore = { $and: [isGone, { $eq: ['$deleted_by', 'auth0'] }, { $gt: [made, '$deleted_at'] }] }
    const isBlockedBefore = {
      $and: [{ $not: [isGone] }, isAuth0Inactive, { $gt: [made, { $ifNull: ['$auth0_at.status', made] }] }],
    }
    const returns = { $or: [isDeletedBefore, isBlockedBefore] }
    put('is_active', { $and: [returns, isAuth0Inactive] }, true)
    for (const field of ['inactive_by', 'deleted_by', 'deleted_at']) put(field, returns, '$$REMOVE')
    stamp('status', returns, made)
  }
}
