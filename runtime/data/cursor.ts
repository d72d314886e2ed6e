import type { Document } from 'bson'
import { decodeDocument } from './bson-types.ts'
import type { DocumentCursor, EncodedCursor, StoredDocument } from './data-access.ts'
import { toDatabaseError } from './database-error.ts'

/** The part of the driver's cursors that is used here. */
export interface DriverCursor {
  next(): Promise<unknown>
  close(): Promise<void>
}

/**
 * Reads a driver cursor opened with `raw: true`, up to a number of documents; nothing is sent before the first document
 * is asked for.
 */
export async function* readRaw(
  open: () => DriverCursor,
  maxDocuments: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let cursor: DriverCursor | undefined
  try {
    cursor = open()
    for (let read = 0; read < maxDocuments; read++) {
      const bytes = await cursor.next()
      if (!(bytes instanceof Uint8Array)) return
      yield bytes
    }
  } catch (error) {
    throw toDatabaseError(error)
  } finally {
    await cursor?.close().catch(() => {})
  }
}

/** A cursor of stored documents over any generator of them. */
export function encodedCursor(documents: AsyncGenerator<StoredDocument, void, undefined>): EncodedCursor {
  return {
    async next() {
      const result = await documents.next()
      return result.done ? null : result.value
    },
    async close() {
      await documents.return(undefined)
    },
    [Symbol.asyncIterator]: () => documents,
  }
}

/** A cursor that decodes what arrives as bytes. */
export function decodedCursor(source: AsyncGenerator<StoredDocument, void, undefined>): DocumentCursor {
  const documents = decode(source)
  return {
    async next() {
      const result = await documents.next()
      return result.done ? null : result.value
    },
    async toArray() {
      const all: Document[] = []
      for await (const document of documents) all.push(document)
      return all
    },
    async close() {
      await documents.return(undefined)
    },
    [Symbol.asyncIterator]: () => documents,
  }
}

async function* decode(source: AsyncGenerator<StoredDocument, void, undefined>) {
  try {
    for await (const document of source) yield toDocument(document)
  } finally {
    await source.return(undefined)
  }
}

/** The document itself, decoded when it is still the server's bytes. */
export function toDocument(stored: StoredDocument): Document {
  return stored instanceof Uint8Array ? decodeDocument(stored) : stored
}
