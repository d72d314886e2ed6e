import { ObjectId } from 'bson'
import { ExpressionError } from '../expression-error.ts'

/** `%stringToOid`: an ObjectId of 24 hex characters, or of the 12 bytes of a 12 character string. */
export function stringToOid(value: unknown): ObjectId {
  if (typeof value === 'string' && /^[0-9a-f]{24}$/i.test(value)) return ObjectId.createFromHexString(value)
  if (typeof value === 'string') {
    const bytes = new TextEncoder().encode(value)
    if (bytes.length === 12) return new ObjectId(bytes)
  }
  throw new ExpressionError('%stringToOid takes 12 or 24 characters')
}
