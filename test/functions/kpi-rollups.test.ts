import { type Document, ObjectId } from 'mongodb'
import { beforeEach, describe, expect, it } from 'vitest'
import { defaultKpiConfig } from '../../domain/kpi/config.ts'
import { readRollups, rollUpDays } from '../../functions/shared/rollup.ts'
import type { Context } from '../../runtime/context.ts'
import { clear } from '../support/kpi/database.ts'
import { setUpKpis } from '../support/kpi/set-up.ts'

const dayMs = 86_400_000
const first = Date.UTC(2024, 1, 1)
const days = 3
const at = (day: number, hour = 12): Date => new Date(first + day * dayMs + hour * 3_600_000)

const kpis = setUpKpis('kpi_rollups_test', {
  computeKpiSnapshot: async (context: Context, most: number) => {
    const to = first + days * dayMs
    await rollUpDays(context, first, to, defaultKpiConfig, new Date(), most)
    return [...(await readRollups(context, first, to)).values()].sort((a, b) => a.day - b.day)
  },
})

beforeEach(() => clear(kpis.db))

interface Day {
  readonly people: Record<string, number>
  readonly future: number
  readonly unknown: number
}

async function rollUp(most: number): Promise<Day[]> {
  const rollups = (await kpis.app.call('computeKpiSnapshot', most)) as Awaited<
    ReturnType<typeof readRollups>
  > extends Map<number, infer Rollup>
    ? Rollup[]
    : never
  const stored = await kpis.db
    .collection('user_activity_daily')
    .find({}, { sort: { _id: 1 } })
    .toArray()
  return rollups.map((rollup) => ({
    people: Object.fromEntries(
      stored.filter(({ d }) => d.getTime() === rollup.day).map(({ u, n }) => [String(u), Number(n)]),
    ),
    future: rollup.futureEvents,
    unknown: rollup.unknownUsers,
  }))
}

const event = (timestamp: unknown, fields: object = {}) => ({ event_type: 'login', timestamp, ...fields })
const nobody: Day = { people: {}, future: 0, unknown: 0 }

/** More people than all days have; fewer than all have and as many as no day has; fewer than one day has. */
const sizes = { 'all days at once': 1_000, 'day by day': 5, 'on the server': 2 }

describe.each(Object.entries(sizes))('a rollup of %s', (_, most) => {
  it.each<[string, object[], Day[]]>([
    [
      'counts the events of each person on each day',
      [
        event(at(0), { user_id: 'a' }),
        event(at(0, 0), { user_id: 'a' }),
        event(at(0), { user_id: 'b' }),
        event(at(0), { user_id: 'c' }),
        event(at(2), { user_id: 'a' }),
        event(at(2, 23), { user_id: 'b' }),
        event(at(3, 0), { user_id: 'b' }),
      ],
      [
        { people: { a: 2, b: 1, c: 1 }, future: 0, unknown: 2 },
        nobody,
        { people: { a: 1, b: 1 }, future: 0, unknown: 1 },
      ],
    ],
    [
      'leaves out events of nobody, whether null or missing, and none of the others',
      [
        event(at(0)),
        event(at(0), { user_id: 'a' }),
        event(at(0), { user_id: null }),
        event(at(0), { user_id: 'b' }),
        event(at(0), { user_id: 'b' }),
      ],
      [{ people: { a: 1, b: 2 }, future: 0, unknown: 1 }, nobody, nobody],
    ],
    [
      'leaves out timestamps that are no dates',
      [
        event([at(0)], { user_id: 'a' }),
        event([at(0), at(1)], { user_id: 'a' }),
        event(at(0).toISOString(), { user_id: 'b' }),
        event(at(0).getTime(), { user_id: 'b' }),
        event({ $date: at(0) }, { user_id: 'b' }),
        event(null, { user_id: 'b' }),
        event(at(1), { user_id: 'c' }),
      ],
      [nobody, { people: { c: 1 }, future: 0, unknown: 1 }, nobody],
    ],
    [
      'counts events dated after their arrival, and nobody as active by them',
      [
        event(at(1), { user_id: 'a', received_at: at(0) }),
        event(at(1), { user_id: 'b', received_at: at(1) }),
        event(at(1), { received_at: at(0) }),
        event(at(1), { user_id: 'c', received_at: 'never' }),
      ],
      [nobody, { people: { b: 1, c: 1 }, future: 2, unknown: 2 }, nobody],
    ],
    [
      'leaves out what no person does',
      [event(at(1), { user_id: 'a', event_type: 'email_sent' }), event(at(1), { user_id: 'b' })],
      [nobody, { people: { b: 1 }, future: 0, unknown: 1 }, nobody],
    ],
  ])('%s', async (_name, events, expected) => {
    await kpis.db.collection<{ _id: string }>('users').insertOne({ _id: 'a' })
    await kpis.db.collection('analytics_events').insertMany(events)
    expect(await rollUp(most)).toEqual(expected)
    expect(await rollUp(most)).toEqual(expected)
  })

  it('keeps the people of a day whose events have expired, and adds late ones', async () => {
    await kpis.db
      .collection('analytics_events')
      .insertMany([
        event(at(0), { user_id: 'a' }),
        event(at(0), { user_id: 'a' }),
        event(at(0), { user_id: 'b' }),
        event(at(1), { user_id: 'a' }),
      ])
    await rollUp(most)
    await kpis.db
      .collection<{ _id: Date }>('kpi_rollups')
      .updateOne({ _id: at(0, 0) }, { $set: { events_expire: true } })
    await kpis.db.collection('analytics_events').deleteMany({})
    await kpis.db
      .collection('analytics_events')
      .insertMany([event(at(0), { user_id: 'a' }), event(at(0), { user_id: 'c' })])
    const people = (await rollUp(most)).map((day) => day.people)
    expect(people).toEqual([{ a: 2, b: 1, c: 1 }, {}, {}])
  })

  it('deletes what no rollup has written', async () => {
    await kpis.db.collection('analytics_events').insertOne(event(at(0), { user_id: 'a' }))
    await rollUp(most)
    const d = at(0, 0)
    await kpis.db.collection<Document & { _id: unknown }>('user_activity_daily').insertMany([
      { _id: new ObjectId(), d, u: 'by hand', n: 7 },
      { _id: 'a', d, u: 'a', n: 7 },
      { _id: { d, u: 'other' }, d, u: 'one', n: 7 },
      { _id: { d: at(1, 0), u: 'b' }, d, u: 'b', n: 7 },
    ])
    expect(await rollUp(most)).toEqual([{ people: { a: 1 }, future: 0, unknown: 1 }, nobody, nobody])
    expect(
      await kpis.db
        .collection('user_activity_daily')
        .find({}, { projection: { run: 0 } })
        .toArray(),
    ).toEqual([{ _id: { d, u: 'a' }, d, u: 'a', n: 1 }])
  })

  it('takes back what the events no longer say', async () => {
    await kpis.db
      .collection('analytics_events')
      .insertMany([
        event(at(0), { user_id: 'a' }),
        event(at(0), { user_id: 'b' }),
        event(at(0), { user_id: 'c' }),
        event(at(1), { user_id: 'a' }),
      ])
    await rollUp(most)
    await kpis.db.collection('analytics_events').deleteMany({ user_id: 'a' })
    await kpis.db.collection('analytics_events').insertOne(event(at(0), { user_id: 'b' }))
    expect(await rollUp(most)).toEqual([{ people: { b: 2, c: 1 }, future: 0, unknown: 2 }, nobody, nobody])
  })
})
