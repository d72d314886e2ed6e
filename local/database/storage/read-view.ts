import type { Collection } from './collection.ts'
import { rawIdKey } from './collection.ts'
import type { Overlay } from './overlay.ts'
import { Record } from './record.ts'

/** The documents of a collection as one reader sees them: as they are now, or through an overlay. */
export class ReadView {
  /** Absent: the collection does not exist, and has no documents. */
  readonly collection: Collection | undefined
  readonly #overlay: Overlay | undefined

  constructor(collection: Collection | undefined, overlay?: Overlay) {
    this.collection = collection
    this.#overlay = overlay
    overlay?.catchUp()
  }

  /** Index order is not the order of what this reader sees. */
  get overlaid(): boolean {
    return this.#overlay !== undefined && !this.#overlay.empty
  }

  /** All records in natural order. */
  *records(reverse = false): Iterable<Record> {
    const { collection } = this
    if (collection === undefined) return
    const source = reverse ? [...collection.records.values()].reverse() : collection.records.values()
    if (!this.overlaid) {
      yield* source
      return
    }
    for (const record of source) {
      const seen = this.#overlay!.get(record.id)
      if (seen === undefined) yield record
      else if (seen !== null) yield new Record(record.id, seen)
    }
    for (const [id, stored] of this.#overlay!.versions()) {
      if (!collection.records.has(id)) yield new Record(id, stored)
    }
  }

  /** An index hit counts only when the overlay knows nothing better. */
  isCurrent(record: Record): boolean {
    return this.#overlay === undefined || this.#overlay.get(record.id) === undefined
  }

  /** What an index does not know: the versions only this reader sees. */
  *overlaidRecords(): Iterable<Record> {
    if (this.#overlay === undefined) return
    for (const [id, stored] of this.#overlay.versions()) yield new Record(id, stored)
  }

  /** @param key the key string of the `_id` */
  byId(key: string): Record | undefined {
    const { collection } = this
    if (collection === undefined) return undefined
    const record = collection.byId.get(key)
    if (!this.overlaid) return record
    if (record && this.isCurrent(record)) return record
    for (const version of this.overlaidRecords()) {
      if (rawIdKey(version.current, collection.collation) === key) return version
    }
    return undefined
  }

  get size(): number {
    if (this.collection === undefined) return 0
    if (!this.overlaid) return this.collection.records.size
    let size = 0
    for (const _ of this.records()) size++
    return size
  }
}
