import type { Document } from 'mongodb'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clear } from '../support/kpi/database.ts'
import { setUpKpis } from '../support/kpi/set-up.ts'

const kpis = setUpKpis('kpi_changes_test')
const at = (text: string): Date => new Date(`${text}Z`)

beforeAll(async () => {
  await kpis.db.collection('subscription_events').createIndex({ provider_event_id: 1 }, { unique: true, sparse: true })
})

beforeEach(() => clear(kpis.db))

const opened = {
  _id: 'sub',
  user_id: 'u',
  plan: 'pro',
  status: 'active',
  mrr: 99,
  billing_cycle: 'monthly',
  start_date: at('2024-01-01T00:00'),
  updated_at: at('2024-01-02T00:00'),
}

let token = 0
function change(operationType: string, fullDocument: Document | null, fullDocumentBeforeChange?: Document): Document {
  return {
    _id: { _data: `token-${token++}` },
    operationType,
    ns: { db: 'bi_dashboard', coll: 'subscriptions' },
    documentKey: { _id: 'sub' },
    ...(fullDocument === null ? {} : { fullDocument }),
    ...(fullDocumentBeforeChange === undefined ? {} : { fullDocumentBeforeChange }),
    wallTime: at('2024-05-05T05:05'),
  }
}

const rows = () =>
  kpis.db
    .collection('subscription_events')
    .find({}, { projection: { _id: 0, recorded_at: 0 }, sort: { effective_at: 1, seq: 1 } })
    .toArray()
const record = (event: Document) => kpis.app.call('recordSubscriptionChange', event)

const state = {
  subscription_id: 'sub',
  user_id: 'u',
  plan: 'pro',
  mrr: 99,
  billing_cycle: 'monthly',
  source: 'trigger',
}

describe('a change of a subscription', () => {
  it('becomes a row of the log, once, however often it is delivered', async () => {
    const inserted = change('insert', opened)
    expect(await record(inserted)).toEqual({ recorded: 1 })
    expect(await record(inserted)).toEqual({ recorded: 0 })
    const upgraded = { ...opened, mrr: 150, updated_at: at('2024-03-01T00:00') }
    const event = change('update', upgraded, opened)
    expect(await record(event)).toEqual({ recorded: 1 })
    expect(await record(event)).toEqual({ recorded: 0 })
    expect(await rows()).toEqual([
      { ...state, status: 'active', seq: 0, effective_at: opened.start_date },
      { ...state, status: 'active', seq: 0, mrr: 150, effective_at: upgraded.updated_at },
    ])
  })

  it('of a subscription without log first records the state it had, assumed', async () => {
    const changed = { ...opened, status: 'past_due', updated_at: at('2024-03-01T00:00') }
    expect(await record(change('replace', changed, opened))).toEqual({ recorded: 2 })
    expect(await rows()).toEqual([
      { ...state, status: 'active', seq: 0, effective_at: opened.start_date, history: 'assumed' },
      { ...state, status: 'past_due', seq: 0, effective_at: changed.updated_at },
    ])
  })

  it('is effective when it was written if updated_at was left alone', async () => {
    await record(change('insert', opened))
    await record(change('update', { ...opened, status: 'cancelled' }, opened))
    expect((await rows()).at(-1)).toMatchObject({ status: 'cancelled', effective_at: at('2024-05-05T05:05') })
  })

  it('that ends it is effective at its end', async () => {
    await record(change('insert', opened))
    const end_date = at('2024-06-30T00:00')
    await record(
      change('update', { ...opened, status: 'cancelled', end_date, updated_at: at('2024-06-02T00:00') }, opened),
    )
    expect((await rows()).at(-1)).toMatchObject({ status: 'cancelled', effective_at: end_date })
  })

  it('at the instant of an earlier one comes after it', async () => {
    await record(change('insert', opened))
    const updated_at = at('2024-03-01T00:00')
    const first = { ...opened, mrr: 10, updated_at }
    await record(change('update', first, opened))
    await record(change('replace', { ...first, mrr: 20 }, { ...first, updated_at: opened.updated_at }))
    expect((await rows()).map(({ seq, mrr }) => [seq, mrr])).toEqual([
      [0, 99],
      [0, 10],
      [1, 20],
    ])
  })

  it('takes the time of the provider when it says which event it came with', async () => {
    await record(change('insert', opened))
    const provided = { ...opened, mrr: 20, provider_event_id: 'evt_1', provider_event_at: at('2024-02-02T02:02') }
    await record(change('update', provided, opened))
    expect((await rows()).at(-1)).toMatchObject({ provider_event_id: 'evt_1', effective_at: at('2024-02-02T02:02') })
  })

  it('is no row when the provider has written its own', async () => {
    await record(change('insert', opened))
    await kpis.db.collection('subscription_events').insertOne({
      subscription_id: 'sub',
      effective_at: at('2024-02-01T00:00'),
      status: 'cancelled',
      provider_event_id: 'evt_2',
    })
    const changed = { ...opened, status: 'cancelled', provider_event_id: 'evt_2' }
    expect(await record(change('update', changed, opened))).toEqual({ recorded: 0 })
    expect(await rows()).toHaveLength(2)
  })

  it.each([
    ['a field that is no state', change('update', { ...opened, note: 'x' }, opened)],
    ['a document that is gone', change('update', null)],
  ])('of %s is no row', async (_name, event) => {
    await record(change('insert', opened))
    expect(await record(event)).toEqual({ recorded: 0 })
    expect(await rows()).toHaveLength(1)
  })

  it('shows in the next snapshot', async () => {
    await record(change('insert', opened))
    await record(change('update', { ...opened, mrr: 150, updated_at: at('2024-03-01T00:00') }, opened))
    expect(await kpis.app.call('computeKpiSnapshot', '2024-03-02')).toMatchObject({
      metrics: { mrr: 150, expansion_mrr: 51 },
    })
  })
})
