import { dayMs, type Instant } from '../../domain/instant.ts'
import { type ActiveUsers, monthWindowMs } from '../../domain/kpi/active-users.ts'
import { ActivityWindow } from '../../domain/kpi/activity-window.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import { customerSegments } from '../../domain/kpi/customer-segments.ts'
import type { Context } from '../../runtime/context.ts'
import type { SnapshotMaterial } from './assemble-snapshots.ts'
import { readExpiredPeople } from './expired-days.ts'
import { readAnswers } from './read-answers.ts'
import { readConfig } from './read-config.ts'
import { type ReadDays, readPeople } from './read-people.ts'
import { byCustomer, readAllSegments } from './read-segments.ts'
import { readSpend } from './read-spend.ts'
import { readUserCounts } from './read-user-counts.ts'
import { readTestUsers, type TestUsers } from './read-users.ts'

/**
 * The material of many midnights from the raw collections alone: what `verify` holds the stored snapshots against.
 * Reads no derived collection, except for the people of days whose events have expired; counters of single days in
 * `data_quality` are left at 0.
 *
 * @param onDays called with the people of the days, as they are read, from 30 days before the first date on
 */
export async function readRawMaterial(
  context: Context,
  dates: readonly Instant[],
  onDays: (read: ReadDays) => Promise<void>,
): Promise<SnapshotMaterial> {
  const first = dates[0] ?? 0
  const last = dates[dates.length - 1] ?? 0
  const { config, problems } = await readConfig(context)
  const testUsers = await readTestUsers(context)
  const { segments } = await readAllSegments(context, config)
  const subscriptions = segments.filter((segment) => !testUsers.keys.has(segment.customer))
  const { answers } = await readAnswers(context, first - config.npsWindowDays * dayMs, last, testUsers)
  return {
    config,
    problems: problems.length,
    brokenDates: 0,
    invalidTestFlags: testUsers.invalidFlags,
    logTo: null,
    customers: new Map(
      [...byCustomer(subscriptions)].map(([customer, own]) => [customer, customerSegments(own)] as const),
    ),
    subscriptions,
    activity: await readActivityOfDays(context, dates, config, testUsers, onDays),
    totalUsers: await readUserCounts(context, dates, testUsers),
    marks: { expired: new Map(), invalidRows: 0, duplicateRows: 0 },
    unknownCustomers: new Set(),
    days: new Map(),
    spend: await readSpend(context, first - monthWindowMs, last),
    answers,
    unknownRespondents: new Set(),
    beforeFirstEvent: new Set(),
  }
}

async function readActivityOfDays(
  context: Context,
  dates: readonly Instant[],
  config: KpiConfig,
  testUsers: TestUsers,
  onDays: (read: ReadDays) => Promise<void>,
): Promise<Map<Instant, ActiveUsers>> {
  const wanted = new Set(dates)
  const result = new Map<Instant, ActiveUsers>()
  const window = new ActivityWindow()
  const [first, last] = [Math.min(...dates) - monthWindowMs, Math.max(...dates)]
  const expired = await readExpiredPeople(context, first, last, testUsers.keys)
  for await (const read of readPeople(context, first, last, config)) {
    await onDays(read)
    for (let day = read.from; day < read.to; day += dayMs) {
      const keys = [...(read.days.get(day)?.keys() ?? [])].filter((key) => !testUsers.keys.has(key))
      window.addDay(day, [...new Set([...keys, ...(expired.get(day) ?? [])])])
      if (wanted.has(day + dayMs)) result.set(day + dayMs, window.counts())
    }
  }
  return result
}
