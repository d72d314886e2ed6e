import { UUID } from 'bson'
import { bsonKind } from '../../data/bson-kind.ts'
import { ExpressionError } from '../expression-error.ts'

/** `%uuidToString`: the 36 character form of a UUID (binary of subtype 4). */
export function uuidToString(value: unknown): string {
  if (bsonKind(value) !== 'binData') throw new ExpressionError('%uuidToString takes a UUID')
  const binary = value as { sub_type?: number; buffer?: Uint8Array; position?: number }
  if (binary.sub_type !== 4 || !binary.buffer) throw new ExpressionError('%uuidToString takes a UUID')
  return new UUID(binary.buffer.subarray(0, binary.position)).toHexString(true)
}
