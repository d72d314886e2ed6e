import type { Instant } from '../../domain/instant.ts'
import { computeCohortRetention } from '../../domain/kpi/cohort-retention.ts'
import type { KpiConfig } from '../../domain/kpi/config.ts'
import { computeUsageRetention } from '../../domain/kpi/usage-retention.ts'
import type { Context } from '../../runtime/context.ts'
import { collectionOf, readAll } from './database.ts'
import { readUsersByMonth } from './read-activity.ts'
import { byCustomer } from './read-segments.ts'
import { readTestUsers } from './read-users.ts'
import { customerSegmentProjection, toCustomerSegment } from './segment-documents.ts'
import type { KpiTables } from './snapshot.ts'

/** The cohort tables as of an instant; the segments must be current. */
export async function readTables(context: Context, asOf: Instant, config: KpiConfig): Promise<KpiTables> {
  const testUsers = await readTestUsers(context)
  const rows = await readAll(
    collectionOf(context, 'customer_mrr_segments'),
    { from: { $lte: new Date(asOf) } },
    customerSegmentProjection,
  )
  const segments = rows
    .map(toCustomerSegment)
    .filter((segment) => !testUsers.keys.has(segment.customer))
    .sort((a, b) => a.from - b.from)
  return {
    cohort_retention: computeCohortRetention(byCustomer(segments).values(), asOf),
    usage_retention: computeUsageRetention(await readUsersByMonth(context, asOf, config, testUsers), asOf),
  }
}
