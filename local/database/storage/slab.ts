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
  if (used + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
    used = 0
  }
  const start = used
  slab.set(document, start)
  used += length
  return new StoredBytes(slab, start, used)
}
