import type { Binary, Doc } from '../bson/value.ts'
import type { ClusterTime } from '../storage/clock.ts'
import type { StoredBytes } from '../storage/slab.ts'

export type DocumentChangeKind = 'insert' | 'update' | 'replace' | 'delete'
export type CatalogChangeKind =
  | 'create'
  | 'drop'
  | 'rename'
  | 'dropDatabase'
  | 'createIndexes'
  | 'dropIndexes'
  | 'modify'

/** The session of a transaction or retryable write, as events show it. */
export interface ChangeOrigin {
  /** Hexadecimal id of the session's UUID. */
  readonly session: string
  readonly txnNumber: bigint
}

interface ChangePlace {
  readonly time: ClusterTime
  /** Position among the changes of one transaction, which share a time. */
  readonly position: number
  /** Milliseconds since the epoch. */
  readonly wallTime: number
  readonly db: string
  /** Absent for `dropDatabase`. */
  readonly collection: string
  readonly uuid: Binary
  /** The transaction it belongs to. */
  readonly transaction?: ChangeOrigin
}

export interface DocumentChange extends ChangePlace {
  readonly kind: DocumentChangeKind
  readonly recordId: number
  readonly before: StoredBytes | undefined
  readonly after: StoredBytes | undefined
  /** `changeStreamPreAndPostImages` was on for the collection. */
  readonly preImages: boolean
}

export interface CatalogChange extends ChangePlace {
  readonly kind: CatalogChangeKind
  /** `operationDescription`, and what else its event shows. */
  readonly details: Doc
}

/** One entry of the change log: everything that a change stream can tell. */
export type Change = DocumentChange | CatalogChange

export function isDocumentChange(change: Change): change is DocumentChange {
  return 'recordId' in change
}
