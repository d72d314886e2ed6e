import type { Collection, MongoClient } from 'mongodb'
import { defaultStateDatabase } from '../../runtime/users/state.ts'

/** How far the import of one file got. */
export interface ImportTotals {
  /** Lines of the file that are stored. */
  lines: number
  users: number
  created: number
  changed: number
  invalid: number
  /** The first of the lines that are no user. */
  invalid_lines: number[]
}

interface StoredProgress extends ImportTotals {
  _id: string
  updated_at: Date
}

/** Remembers in the edge's own database how far an import got, by app and file, until it is complete. */
export class ImportProgress {
  readonly #collection: Collection<StoredProgress>
  readonly #id: string

  constructor(client: MongoClient, clientAppId: string, digest: string) {
    this.#collection = client.db(defaultStateDatabase).collection('user_imports')
    this.#id = `${clientAppId}:${digest}`
  }

  async read(): Promise<ImportTotals | undefined> {
    return (await this.#collection.findOne({ _id: this.#id }, { projection: { _id: 0, updated_at: 0 } })) ?? undefined
  }

  async write(totals: ImportTotals): Promise<void> {
    await this.#collection.replaceOne({ _id: this.#id }, { ...totals, updated_at: new Date() }, { upsert: true })
  }

  async clear(): Promise<void> {
    await this.#collection.deleteOne({ _id: this.#id })
  }
}
