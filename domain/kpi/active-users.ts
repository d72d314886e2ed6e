import { dayMs } from '../instant.ts'

export const dayWindowMs = dayMs
export const weekWindowMs = 7 * dayMs
export const monthWindowMs = 30 * dayMs

/** Distinct people with an event of a type outside the deny-list, without null and test users (spec: KPIs 4 and 5.2). */
export interface ActiveUsers {
  /** `dau`: in `[T - 1 d, T)`. Unit: count. Zero case: 0. */
  readonly dau: number
  /** `wau`: in `[T - 7 d, T)`. Unit: count. Zero case: 0. */
  readonly wau: number
  /** `mau`, also stored as `active_users`: in `[T - 30 d, T)`. Unit: count. Zero case: 0. */
  readonly mau: number
  /** Sum of the 30 daily numbers that end at T; the base of `stickiness_avg`. */
  readonly userDays: number
}

/** One person's activity in the 30 days before T. */
export interface UserActivity {
  /** Index of the last active day, 29 = the day that ends at T. */
  readonly last: number
  /** Active days. */
  readonly days: number
}

/**
 * Counts people by the last day on which they were active: distinct counts of days cannot be added, so all three come
 * from the people, never from each other.
 *
 * @see spec KPIs 4; Amplitude, "Change event activity status": some events are marked inactive
 */
export function countActiveUsers(users: Iterable<UserActivity>): ActiveUsers {
  let [dau, wau, mau, userDays] = [0, 0, 0, 0]
  for (const { last, days } of users) {
    mau += 1
    if (last >= 23) wau += 1
    if (last === 29) dau += 1
    userDays += days
  }
  return { dau, wau, mau, userDays }
}
