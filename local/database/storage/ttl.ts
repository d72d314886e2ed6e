import { TYPE_ORDER } from '../bson/types.ts'
import type { Collection } from './collection.ts'
import type { Index } from './index.ts'
import { afterPrefix, invertedKey, keyString } from './key-string.ts'
import type { Record } from './record.ts'
import type { Store } from './store.ts'
import { WriteBlocked } from './transaction.ts'

/** Removes expired documents again and again, as MongoDB's TTL monitor does. */
export class TtlMonitor {
  readonly #store: Store
  #timer: NodeJS.Timeout | undefined

  constructor(store: Store) {
    this.#store = store
  }

  /** @param intervalMs from one round to the next; undefined: no more rounds */
  run(intervalMs: number | undefined): void {
    clearInterval(this.#timer)
    this.#timer = intervalMs === undefined ? undefined : setInterval(() => removeExpired(this.#store), intervalMs)
    this.#timer?.unref()
  }
}

/** Removes the documents whose time has come. @returns how many */
export function removeExpired(store: Store): number {
  let removed = 0
  for (const collections of [...store.databases.values()]) {
    for (const collection of [...collections.values()]) {
      for (const index of [...collection.indexes.values()]) removed += removeExpiredBy(store, collection, index)
    }
  }
  return removed
}

function removeExpiredBy(store: Store, collection: Collection, index: Index): number {
  const { expireAfterSeconds, descending } = index.spec
  if (expireAfterSeconds === undefined || collection.capped) return 0
  const limit = new Date(store.clock.now().getTime() - expireAfterSeconds * 1000)
  // Only dates count; a document with several expires by the earliest.
  const first = String.fromCharCode(TYPE_ORDER.date)
  const last = keyString(limit)
  const keys = descending[0]
    ? index.tree.scan(invertedKey(last), afterPrefix(invertedKey(first)))
    : index.tree.scan(first, afterPrefix(last))
  const expired = new Set<Record>()
  for (const [, record] of keys) expired.add(record)
  let removed = 0
  for (const record of expired) {
    try {
      store.remove(collection, record, {})
      removed++
    } catch (error) {
      // Held by a transaction: the next round finds it again.
      if (!(error instanceof WriteBlocked)) throw error
    }
  }
  return removed
}
