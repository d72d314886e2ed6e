import { encodeDocument } from '../bson/codec.ts'
import { int, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import { assertWritableName } from '../storage/namespace.ts'
import type { Command } from './command.ts'
import type { Invocation } from './invocation.ts'
import { type Reply, reply } from './support/reply.ts'
import { insertDocument, statementId, writeError } from './support/writing.ts'

const MAX_BATCH = 100_000

/** The documents of an `insert`, as bytes. */
function documentsOf(invocation: Invocation): readonly Uint8Array[] {
  const raw = invocation.sequences.get('documents')
  if (raw) return raw
  const documents = invocation.fields.documents('documents')
  if (!documents) throw new DatabaseError(40414, "BSON field 'insert.documents' is missing but a required field")
  return documents.map(encodeDocument)
}

/** Stores new documents. */
export const insert: Command = {
  name: 'insert',
  fields: ['documents', 'ordered', 'bypassDocumentValidation', 'bypassEmptyTsReplacement', 'stmtId', 'stmtIds', 'let'],
  inTransaction: true,
  writes: true,
  stable: true,
  async run(invocation): Promise<Reply> {
    const name = invocation.collectionName()
    assertWritableName(invocation.db, name)
    const documents = documentsOf(invocation)
    if (documents.length === 0 || documents.length > MAX_BATCH) {
      throw new DatabaseError(
        16,
        `Write batch sizes must be between 1 and ${MAX_BATCH}. Got ${documents.length} operations.`,
      )
    }
    const ordered = invocation.fields.boolean('ordered') ?? true
    const writeErrors: Value[] = []
    const retried: Value[] = []
    let inserted = 0
    for (const [index, document] of documents.entries()) {
      const statement = statementId(invocation, index)
      if (invocation.outcome(statement)) {
        retried.push(int(statement))
        inserted++
        continue
      }
      try {
        await invocation.unblocked(() => insertDocument(invocation, name, document, statement))
        inserted++
      } catch (error) {
        writeErrors.push(writeError(index, error))
        if (invocation.transaction) invocation.session?.abort(invocation.server.store)
        if (ordered || invocation.transaction) break
      }
    }
    invocation.server.counters.insert += inserted
    return reply({
      n: int(inserted),
      ...(writeErrors.length > 0 ? { writeErrors } : {}),
      ...(retried.length > 0 ? { retriedStmtIds: retried } : {}),
    })
  },
}
