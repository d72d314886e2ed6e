import type { Collation } from '../bson/compare.ts'
import type { Doc, Value } from '../bson/value.ts'
import { documentKeys } from './index-keys.ts'
import type { IndexSpec } from './index-spec.ts'
import { compoundKeyString, keyString } from './key-string.ts'
import { OrderedTree } from './ordered-tree.ts'
import type { Record } from './record.ts'
import { type Wildcard, wildcardKeys } from './wildcard.ts'

/** A key of a document in an index: its order-preserving string and, for error texts, its values. */
export interface IndexKey {
  readonly key: string
  readonly values: readonly (Value | undefined)[]
}

/** What the documents of a transaction that is not yet committed will occupy in a unique index. */
export interface Reservation {
  readonly owner: object
  readonly recordId: number
}

/** One index, ordered in memory. */
export class Index {
  readonly spec: IndexSpec
  /** Some document gave several keys, or an array: index order is then not document order. */
  multikey = false
  /** Reads through `$indexStats`. */
  accesses = 0
  readonly reservations = new Map<string, Reservation>()
  readonly #tree = new OrderedTree<Record>()
  #unread: Iterable<Record> | undefined
  #unreadKeys: Iterable<readonly [string, Record]> | undefined
  readonly #covers: (document: Doc) => boolean
  readonly #collation: Collation | undefined

  /**
   * @param existing documents already there: read when the index is first used
   * @param covers a partial index's filter
   */
  constructor(
    spec: IndexSpec,
    existing: Iterable<Record> | undefined,
    covers: (document: Doc) => boolean,
    collation?: Collation,
  ) {
    this.spec = spec
    this.#unread = existing
    this.#covers = covers
    this.#collation = collation
  }

  /** As the constructor's `existing`, when the keys are known already. */
  readKeysFrom(keys: Iterable<readonly [string, Record]>): void {
    this.#unreadKeys = keys
    this.#unread = undefined
  }

  get collation(): Collation | undefined {
    return this.#collation
  }

  /** Not read from yet: additions and removals need not be told. */
  get pending(): boolean {
    return this.#unread !== undefined || this.#unreadKeys !== undefined
  }

  /** Reads what was there before, if that has not happened: what is told from now on then counts. */
  build(): void {
    if (this.#unread !== undefined) {
      const records = this.#unread
      this.#unread = undefined
      for (const record of records) this.add(record, this.keysOf(record.decode()))
    }
    if (this.#unreadKeys !== undefined) {
      const keys = this.#unreadKeys
      this.#unreadKeys = undefined
      for (const [key, record] of keys) this.#tree.add(key, record)
    }
  }

  get tree(): OrderedTree<Record> {
    this.build()
    return this.#tree
  }

  /** @throws {DatabaseError} 171 for parallel arrays */
  keysOf(document: Doc): readonly IndexKey[] {
    if (this.spec.catalogOnly || !this.#covers(document)) return []
    const { descending, paths, sparse, wildcard } = this.spec
    if (wildcard) return this.#wildcardKeys(document, wildcard)
    const { rows, multikey } = documentKeys(document, paths, sparse)
    if (multikey) this.multikey = true
    if (rows.length === 1) {
      return [{ key: compoundKeyString(rows[0]!, descending, this.#collation), values: rows[0]! }]
    }
    const keys = new Map<string, IndexKey>()
    for (const values of rows) {
      const key = compoundKeyString(values, descending, this.#collation)
      if (!keys.has(key)) keys.set(key, { key, values })
    }
    return [...keys.values()]
  }

  /** The path stands before the value, so that one path's values lie together. */
  #wildcardKeys(document: Doc, wildcard: Wildcard): readonly IndexKey[] {
    const { entries, multikey } = wildcardKeys(document, wildcard)
    if (multikey) this.multikey = true
    const keys = new Map<string, IndexKey>()
    for (const [path, value] of entries) {
      const key = keyString(path) + compoundKeyString([value], this.spec.descending, this.#collation)
      if (!keys.has(key)) keys.set(key, { key, values: [path, value] })
    }
    return [...keys.values()]
  }

  add(record: Record, keys: readonly IndexKey[]): void {
    for (const { key } of keys) this.tree.add(key, record)
  }

  addKey(key: string, record: Record): void {
    this.tree.add(key, record)
  }

  removeKey(key: string, record: Record): void {
    this.tree.remove(key, record.id)
  }

  remove(record: Record, keys: readonly IndexKey[]): void {
    for (const { key } of keys) this.tree.remove(key, record.id)
  }
}
