import { MongoClient, MongoServerSelectionError } from 'mongodb'
import { CommandError, UsageError } from './command.ts'

/** The host part of a connection string, without credentials, for messages. */
export function describeServer(uri: string): string {
  const hosts = /^mongodb(?:\+srv)?:\/\/(?:[^@/]*@)?([^/?]+)/.exec(uri)?.[1]
  return hosts ?? 'the given --uri'
}

/**
 * A connected client.
 *
 * @throws {UsageError} when `uri` is no connection string
 * @throws {CommandError} when nothing answers within three seconds
 */
export async function connect(uri: string): Promise<MongoClient> {
  let client: MongoClient
  try {
    client = new MongoClient(uri, { serverSelectionTimeoutMS: 3000 })
  } catch {
    throw new UsageError('--uri must look like mongodb://host:port or mongodb+srv://host')
  }
  try {
    await client.connect()
    await client.db('admin').command({ ping: 1 })
  } catch (error) {
    await client.close()
    if (error instanceof MongoServerSelectionError)
      throw new CommandError(`no MongoDB server answers at ${describeServer(uri)}; start one, or pass another --uri`)
    throw new CommandError(
      `the MongoDB server at ${describeServer(uri)} refused the connection: check user and password`,
    )
  }
  return client
}
