import { UUID } from 'bson'
import { ExpressionError } from '../expression-error.ts'

/** `%stringToUuid`: a UUID of its 36 character form. */
export function stringToUuid(value: unknown): UUID {
  if (typeof value === 'string' && UUID.isValid(value)) return new UUID(value)
  throw new ExpressionError('%stringToUuid takes a UUID string')
}
