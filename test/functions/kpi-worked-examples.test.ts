import { describe, expect, it } from 'vitest'
import { loadRawData } from '../support/kpi/database.ts'
import { setUpKpis } from '../support/kpi/set-up.ts'
import { engagement } from '../support/kpi/worked-examples/engagement.ts'
import { toRawData, type WorkedExample } from '../support/kpi/worked-examples/example.ts'
import { lifecycle } from '../support/kpi/worked-examples/lifecycle.ts'
import { movements } from '../support/kpi/worked-examples/movements.ts'
import { ratios } from '../support/kpi/worked-examples/ratios.ts'
import { recurringRevenue } from '../support/kpi/worked-examples/recurring-revenue.ts'
import { retention } from '../support/kpi/worked-examples/retention.ts'
import { unitEconomics } from '../support/kpi/worked-examples/unit-economics.ts'

const kpis = setUpKpis('kpi_examples_test')

function named(examples: readonly WorkedExample[]): [string, WorkedExample, number][] {
  return examples.map((example, index) => [`${example.source}: ${example.says}`, example, index])
}

/** What others print, where the definitions agree with theirs; each example with ids of another type than the last. */
describe.each([
  ['recurring revenue', recurringRevenue],
  ['movements', movements],
  ['retention', retention],
  ['unit economics', unitEconomics],
  ['ratios', ratios],
  ['the life of a customer', lifecycle],
  ['use and opinion', engagement],
])('published examples of %s', (_topic, examples) => {
  it.each(named(examples))('%s', async (_name, example, index) => {
    await loadRawData(kpis.db, toRawData(example, index))
    const asOf = new Date(example.asOf ?? '2024-03-01')
    const window = example.windowFrom === undefined ? {} : { window_from: new Date(example.windowFrom) }
    const dry = Object(await kpis.app.call('computeKpiSnapshot', asOf, { dry_run: true, ...window }))
    expect(dry.metrics).toMatchObject(example.metrics)
    const stored = Object(await kpis.app.call('computeKpiSnapshot', asOf, window))
    expect(stored.metrics).toEqual(dry.metrics)
  })
})
