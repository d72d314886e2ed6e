import { encodeDocument } from '../bson/codec.ts'
import { type Doc, int } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import { assertWritableName } from '../storage/namespace.ts'
import type { Command } from './command.ts'
import type { Invocation } from './invocation.ts'
import { type Reply, reply } from './support/reply.ts'
import { assertBatchSize, listed, runStatements } from './support/statements.ts'
import { insertDocument } from './support/writing.ts'

const INSERTED: Doc = new Map([['n', int(1)]])

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
    assertBatchSize(documents.length)
    const writeErrors: Doc[] = []
    let inserted = 0
    const retried = await runStatements(invocation, documents, {
      async run(document, id) {
        await invocation.unblocked(() => insertDocument(invocation, name, document, id))
        return INSERTED
      },
      done() {
        inserted++
      },
      failed: (error) => writeErrors.push(error),
    })
    invocation.server.counters.insert += inserted
    return reply({
      n: int(inserted),
      ...listed(writeErrors, retried),
    })
  },
}
