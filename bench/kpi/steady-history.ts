import type { MongoClient } from 'mongodb'
import { biDatabase } from '../../schemas/database/collections.ts'
import { day, today } from './open.ts'

const batch = 5_000

/** `days` of a business that is the same every day: people come, pay for two months and leave. */
export async function loadSteadyHistory(client: MongoClient, days: number): Promise<void> {
  const db = client.db(biDatabase)
  const users: object[] = []
  const events: object[] = []
  const log: object[] = []
  for (let back = days; back >= 1; back--) {
    const opens = today - back * day
    const at = new Date(opens + 1000)
    const user_id = `user-${back}`
    users.push({ _id: user_id, auth0_id: user_id, role: 'viewer', created_at: at })
    const row = { subscription_id: `sub-${back}`, user_id, plan: 'pro', mrr: 10 + (back % 90), recorded_at: at }
    log.push({ ...row, effective_at: at, status: 'active' })
    if (back > 60) log.push({ ...row, effective_at: new Date(opens + 60 * day), status: 'cancelled' })
    for (let active = back; active < Math.min(days, back + 90); active += 2)
      events.push({ event_type: 'page_view', user_id: `user-${active}`, timestamp: at, received_at: at })
  }
  for (const [name, documents] of [
    ['users', users],
    ['subscription_events', log],
    ['analytics_events', events],
  ] as const)
    for (let from = 0; from < documents.length; from += batch)
      await db.collection(name).insertMany(documents.slice(from, from + batch) as never)
}
