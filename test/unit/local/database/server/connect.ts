import { MongoClient } from 'mongodb'
import { afterAll, beforeAll } from 'vitest'
import { type DatabaseOptions, type RunningDatabase, startDatabase } from '../../../../../local/database/main.ts'

/** A local database of a test file's own, with a client, made before its tests and closed after them. */
export function localDatabase(options: DatabaseOptions = {}): { readonly client: MongoClient; readonly port: number } {
  let database: RunningDatabase | undefined
  let client: MongoClient | undefined
  beforeAll(async () => {
    database = await startDatabase(options)
    client = await new MongoClient(database.uri).connect()
  })
  afterAll(async () => {
    await client?.close()
    await database?.close()
  })
  return {
    get client() {
      if (!client) throw new Error('only within tests')
      return client
    },
    get port() {
      return database?.port ?? 0
    },
  }
}

/** The error of a command: `[code, codeName, message]`. */
export async function failure(work: Promise<unknown>): Promise<{ code: unknown; codeName: unknown; message: string }> {
  try {
    await work
  } catch (error) {
    if (error instanceof Error && 'code' in error) {
      const codeName = 'codeName' in error ? error.codeName : undefined
      return { code: error.code, codeName, message: error.message }
    }
    throw error
  }
  throw new Error('the command has succeeded')
}
