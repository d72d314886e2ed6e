import { type Db, MongoClient } from 'mongodb'
import { afterEach, beforeAll, vi } from 'vitest'
import { startTestDatabase } from '../database.ts'
import { createKpiApp, type Handler, type KpiApp } from '../kpi-app.ts'

/** What the tests of a file share; there from `beforeAll` on. */
export interface KpiSetUp {
  readonly client: MongoClient
  readonly db: Db
  readonly app: KpiApp
}

/**
 * Opens the KPI app over a database of that name before the tests of the calling file, and drops and closes both after.
 *
 * @param insides as of `createKpiApp`
 */
export function setUpKpis(database: string, insides?: Record<string, Handler>): KpiSetUp {
  let opened: KpiSetUp | undefined
  beforeAll(async () => {
    const server = await startTestDatabase()
    const client = new MongoClient(server.uri)
    const db = client.db(database)
    opened = { client, db, app: createKpiApp(client, database, insides) }
    return async () => {
      await db.dropDatabase()
      await client.close()
      await server.close()
    }
  })
  const get = (): KpiSetUp => {
    if (opened === undefined) throw new Error('no test runs yet')
    return opened
  }
  return {
    get client() {
      return get().client
    },
    get db() {
      return get().db
    },
    get app() {
      return get().app
    },
  }
}

/** Gives each test of the calling file the real date back; what it returns sets `Date` alone, in ms since the epoch. */
export function setUpClock(): (instant: number) => void {
  afterEach(() => {
    vi.useRealTimers()
  })
  return (instant) => {
    vi.useFakeTimers({ toFake: ['Date'], now: instant })
  }
}
