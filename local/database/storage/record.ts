import { decodeDocument } from '../bson/codec.ts'
import type { Doc } from '../bson/value.ts'
import type { StoredBytes } from './slab.ts'

/** A document's place in its collection: the number stays the same through updates and gives the natural order. */
export class Record {
  readonly id: number
  current: StoredBytes

  constructor(id: number, current: StoredBytes) {
    this.id = id
    this.current = current
  }

  decode(): Doc {
    return decodeStored(this.current)
  }
}

export function decodeStored(stored: StoredBytes): Doc {
  return decodeDocument(stored.slab, stored.start)
}
