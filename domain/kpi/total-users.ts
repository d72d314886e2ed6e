import type { Instant } from '../instant.ts'

export interface RegisteredUser {
  readonly createdAt: Instant | null
  readonly deletedAt: Instant | null
}

/**
 * `total_users`: registrations before T that are neither test accounts nor deleted before T. Counted as all that were
 * created, minus those deleted since, minus the test accounts among the rest, so that each part is one index range.
 * Unit: count. Zero case: 0.
 *
 * @param created users with `created_at < T`
 * @param deleted those of them with `deleted_at < T`
 * @param testUsers every test account
 * @see spec KPIs 4 and 8.2
 */
export function computeTotalUsers(
  created: number,
  deleted: number,
  testUsers: Iterable<RegisteredUser>,
  asOf: Instant,
): number {
  let living = 0
  for (const { createdAt, deletedAt } of testUsers)
    if (createdAt !== null && createdAt < asOf && (deletedAt === null || deletedAt >= asOf)) living += 1
  return created - deleted - living
}
