import { roundToHundredths } from '../../domain/exact/fraction.ts'
import { type Instant, monthName } from '../../domain/instant.ts'
import { monthEnds } from '../../domain/kpi/cohort-retention.ts'
import { customerSegments, mrrAtClosing } from '../../domain/kpi/customer-segments.ts'
import { moneyFraction } from '../../domain/money.ts'
import type { Context } from '../../runtime/context.ts'
import { readUsersByMonth } from './read-activity.ts'
import { readConfig } from './read-config.ts'
import { byCustomer, readAllSegments } from './read-segments.ts'
import { readTestUsers } from './read-users.ts'

/** A row with the keys it is ordered by. */
export interface KeyedRow {
  readonly key: string
  readonly row: Readonly<Record<string, unknown>>
}

/** Each customer of `cohort_retention`: the cohort, its first MRR, and the MRR at the close of each month since. */
export async function explainCohorts(context: Context, asOf: Instant): Promise<KeyedRow[]> {
  const { config } = await readConfig(context)
  const testUsers = await readTestUsers(context)
  const { segments, ids } = await readAllSegments(context, config)
  const rows: KeyedRow[] = []
  for (const [customer, own] of byCustomer(segments)) {
    if (testUsers.keys.has(customer)) continue
    const closings = customerSegments(own)
    const first = closings[0]
    if (first === undefined || first.from > asOf) continue
    const cohort = monthName(first.cohort)
    rows.push({
      key: `${cohort} ${customer}`,
      row: {
        user_id: ids.get(customer) ?? customer,
        cohort,
        initial_mrr: roundToHundredths(moneyFraction(first.mrr)),
        mrr_by_month: monthEnds(first.cohort, asOf).map((end) =>
          roundToHundredths(moneyFraction(mrrAtClosing(closings, end))),
        ),
      },
    })
  }
  return rows
}

/** Each person of `usage_retention`: the month of first activity, and the months in which they were active. */
export async function explainUsage(context: Context, asOf: Instant): Promise<KeyedRow[]> {
  const { config } = await readConfig(context)
  const months = await readUsersByMonth(context, asOf, config, await readTestUsers(context))
  const active = new Map<string, string[]>()
  for (const [month, users] of [...months].sort(([a], [b]) => a - b))
    for (const user of users) {
      const known = active.get(user)
      if (known === undefined) active.set(user, [monthName(month)])
      else known.push(monthName(month))
    }
  return [...active].map(([user, active_months]) => ({
    key: `${active_months[0]} ${user}`,
    // A key is the type's letter, a colon and the id as text.
    row: { user_id: user.slice(user.indexOf(':') + 1), cohort: active_months[0], active_months },
  }))
}
