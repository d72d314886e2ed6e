import { MongoClient } from 'mongodb'
import { loadAppFolder } from '../../cli/app-folder/index.ts'
import { loadBuiltApp } from '../../cli/built-app.ts'
import { initialiseDatabase } from '../../cli/database/initialise.ts'
import { repositoryRoot } from '../../cli/own-app.ts'
import { createRuntime } from '../../runtime/create-runtime.ts'
import { systemUser } from '../../runtime/user.ts'
import { withOwnDatabase } from '../../test/support/own-database.ts'

export const day = 86_400_000
export const today = Math.floor(Date.now() / day) * day

/** The app's own functions over a database of the benchmark's own. */
export interface Kpis {
  readonly client: MongoClient
  call(name: string, ...args: unknown[]): Promise<unknown>
  /** Deletes the database. */
  close(): Promise<void>
}

const { built } = await loadBuiltApp(repositoryRoot)
const { definition } = await loadAppFolder(repositoryRoot)

/** Opens `database`, empty but for collections and indexes, as the place of `bi_dashboard`. */
export async function openKpis(uri: string, database: string): Promise<Kpis> {
  const shared = new MongoClient(uri, { monitorCommands: true })
  await shared.connect()
  await shared.db(database).dropDatabase()
  const client = withOwnDatabase(shared, database)
  await initialiseDatabase(client, definition)
  const runtime = createRuntime({
    built,
    clientFor: () => client,
    stateClient: client,
    stateDatabase: `${database}_edge`,
    secrets: {},
    now: () => new Date(),
    fetch,
    log: () => {},
  })
  const caller = { user: systemUser, runAsSystem: true, request: {}, requestId: 'bench' }
  return {
    client,
    call: (name, ...args) => runtime.callFunction(name, args, caller, 'system'),
    async close() {
      await shared.db(database).dropDatabase()
      await shared.close()
    },
  }
}
