export interface DatabaseOptions {
  /** 0 = a free port. */
  port?: number
  host?: string
  /** Keeps the data in this folder; absent: memory only. */
  path?: string
}

export interface RunningDatabase {
  /** `mongodb://127.0.0.1:<port>/?replicaSet=rs0` */
  readonly uri: string
  readonly port: number
  close(): Promise<void>
}

/** Starts the local database: a one-node replica set `rs0` that speaks the MongoDB wire protocol. */
export async function startDatabase(_options: DatabaseOptions = {}): Promise<RunningDatabase> {
  throw new Error('the local database is being built')
}
