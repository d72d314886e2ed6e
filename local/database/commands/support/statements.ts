import { decodeDocument } from '../../bson/codec.ts'
import type { Doc } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { Invocation } from '../invocation.ts'

const MAX_BATCH = 100_000

/** The statements of a write command, from its body or its document sequence. @throws {DatabaseError} 16, 40414 */
export function statementsOf(invocation: Invocation, field: string): Doc[] {
  const sequence = invocation.sequences.get(field)
  const statements = sequence ? sequence.map((bytes) => decodeDocument(bytes)) : invocation.fields.documents(field)
  if (!statements) {
    throw new DatabaseError(40414, `BSON field '${invocation.name}.${field}' is missing but a required field`)
  }
  if (statements.length === 0 || statements.length > MAX_BATCH) {
    throw new DatabaseError(
      16,
      `Write batch sizes must be between 1 and ${MAX_BATCH}. Got ${statements.length} operations.`,
    )
  }
  return statements
}
