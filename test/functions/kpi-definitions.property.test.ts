import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadRawData } from '../support/kpi/database.ts'
import { naiveKpis, type RawData } from '../support/kpi/naive-kpis.ts'
import { centre, randomData } from '../support/kpi/random-data.ts'
import { setUpKpis } from '../support/kpi/set-up.ts'

const kpis = setUpKpis('kpi_definitions_test')
const day = 86_400_000
const runs = Number(process.env.KPI_RUNS ?? 8)

const asOf = fc.constantFrom(centre, centre, centre - 1 * day, centre + 3 * day, centre + day / 2, centre - 123_456)
/** A customer who began in the half day before a window that opens at noon. */
const beganBeforeNoon: RawData = {
  users: [],
  subscriptions: [],
  subscription_events: [
    {
      subscription_id: 's',
      user_id: 'u',
      effective_at: new Date('2024-01-31'),
      seq: 0,
      status: 'active',
      plan: 'pro',
      billing_cycle: 'monthly',
      amount: 12.34,
    },
  ],
  analytics_events: [],
  marketing_spend: [],
  nps_responses: [],
  kpi_config: [],
}

const window = fc.constantFrom(undefined, undefined, 29 * day, 7 * day, 12.5 * day)

describe('a dry run', () => {
  it('prints what the definitions say, whatever the rows, the ids and the instant', async () => {
    await fc.assert(
      fc.asyncProperty(randomData(), asOf, window, async (data, instant, length) => {
        await loadRawData(kpis.db, data)
        const windowFrom = length === undefined ? undefined : instant - length
        const snapshot = await kpis.app.call('computeKpiSnapshot', new Date(instant), {
          dry_run: true,
          ...(windowFrom === undefined ? {} : { window_from: new Date(windowFrom) }),
        })
        expect(snapshot).toMatchObject({ partial: instant % day !== 0 })
        expect(Object(snapshot).metrics).toEqual(naiveKpis(data, instant, windowFrom))
        expect(await kpis.db.collection('kpi_snapshots').countDocuments()).toBe(0)
      }),
      { numRuns: runs, examples: [[beganBeforeNoon, centre + day / 2, undefined]] },
    )
  })

  it('is what storing computes from the derived collections', async () => {
    await fc.assert(
      fc.asyncProperty(randomData(), async (data) => {
        await loadRawData(kpis.db, data)
        const stored = await kpis.app.call('computeKpiSnapshot', new Date(centre))
        expect(Object(stored).metrics).toEqual(naiveKpis(data, centre))
      }),
      { numRuns: runs },
    )
  })
})
