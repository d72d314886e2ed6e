const SLAB_BYTES = 32 * 1024
/** A larger document gets bytes of its own, so that it leaves no hole when it goes. */
const OWN_BYTES = SLAB_BYTES / 8

/**
 * The bytes of one version of a document. Many share a slab: a typed array for each would cost more memory than the
 * small documents themselves.
 */
export class StoredBytes {
  readonly slab: Buffer
  readonly start: number
  readonly end: number

  constructor(slab: Buffer, start: number, end: number) {
    this.slab = slab
    this.start = start
    this.end = end
  }

  get length(): number {
    return this.end - this.start
  }

  view(): Buffer {
    return this.slab.subarray(this.start, this.end)
  }
}

let slab = Buffer.alloc(0)
let used = 0

/** Keeps a copy of one BSON document. */
export function storeBytes(document: Uint8Array): StoredBytes {
  const { length } = document
  if (length > OWN_BYTES) {
    const own = Buffer.allocUnsafeSlow(length)
    own.set(document)
    return new StoredBytes(own, 0, length)
  }
  const start = place(length)
  slab.set(document, start)
  return new StoredBytes(slab, start, used)
}

/** As `storeBytes`, of a document that is part of other bytes. */
export function storeSlice(bytes: Buffer, from: number, to: number): StoredBytes {
  const length = to - from
  if (length > OWN_BYTES) return storeBytes(bytes.subarray(from, to))
  const start = place(length)
  bytes.copy(slab, start, from, to)
  return new StoredBytes(slab, start, used)
}

function place(length: number): number {
  if (used + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
    used = 0
  }
  used += length
  return used - length
}
