import { bsonKind } from '../../data/bson-kind.ts'
import { ExpressionError } from '../expression-error.ts'

/** `%oidToString`: the 24 hex characters of an ObjectId. */
export function oidToString(value: unknown): string {
  if (bsonKind(value) !== 'objectId') throw new ExpressionError('%oidToString takes an ObjectId')
  return String(value)
}
