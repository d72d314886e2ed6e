import { type Doc, isDoc, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import type { ClusterTime } from '../storage/clock.ts'

/** A point in the change log, behind which a stream goes on. */
export interface ResumePoint {
  readonly time: ClusterTime
  /** Position within the transaction of that time. */
  readonly position: number
  /** What of the change has been told: nothing that is an event, its event, or the invalidation that followed. */
  readonly told: 'all' | 'event' | 'invalidate'
  /** The event was split, and its fragments up to this one have been told; counted from 0. */
  readonly fragment?: number
}

const TOLD = ['event', 'invalidate', 'all'] as const
const VERSION = '82'

/** The token of a point: hexadecimal text that orders like the points do. */
export function resumeToken({ time, position, told, fragment }: ResumePoint): Doc {
  const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0')
  return new Map([
    [
      '_data',
      `${VERSION}${hex(time, 16)}${hex(position, 8)}${hex(TOLD.indexOf(told), 2)}${fragment === undefined ? '' : hex(fragment, 4)}`,
    ],
  ])
}

/** @throws {DatabaseError} 260 InvalidResumeToken, 40649 when it is no token at all */
export function parseResumeToken(token: Value): ResumePoint {
  const data = isDoc(token) ? token.get('_data') : undefined
  if (typeof data !== 'string') {
    throw new DatabaseError(40647, `Bad resume token: _data of missing or of wrong type`)
  }
  const parts = /^82([0-9A-F]{16})([0-9A-F]{8})0([0-2])([0-9A-F]{4})?$/i.exec(data)
  if (!parts) throw new DatabaseError(260, `Invalid resume token: ${data}`)
  return {
    time: Number.parseInt(parts[1]!, 16),
    position: Number.parseInt(parts[2]!, 16),
    told: TOLD[Number(parts[3])]!,
    ...(parts[4] === undefined ? {} : { fragment: Number.parseInt(parts[4], 16) }),
  }
}
