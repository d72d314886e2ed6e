import { Int32 } from 'bson'
import type { EncodedCursor, StoredDocument } from '../data/data-access.ts'
import { type EjsonFormat, stringifyEjson, TextBuffer, writeStored } from '../ejson/index.ts'
import { AppError } from '../errors.ts'
import { maxAnswerBytes } from './limits.ts'

/** The answer of an action, written once the format is known. */
export interface ActionResult {
  /** True for `insertOne` and `insertMany`, which answer 201. */
  readonly inserted: boolean
  /** The whole body as UTF-8. */
  write(format: EjsonFormat): Uint8Array<ArrayBuffer>
}

/** An answer of plain fields; counts are given as numbers, ids with their BSON types. */
export function fieldsResult(fields: Record<string, unknown>, inserted = false): ActionResult {
  return {
    inserted,
    write(format) {
      const out = new TextBuffer(128)
      out.text(stringifyEjson(fields, format))
      return out.finish()
    },
  }
}

/** `{"document": ...}` */
export function documentResult(document: StoredDocument | null): ActionResult {
  return {
    inserted: false,
    write(format) {
      const out = new TextBuffer()
      out.ascii('{"document":')
      if (document === null) out.ascii('null')
      else writeStored(document, format, out)
      out.ascii('}')
      return out.finish()
    },
  }
}

/**
 * `{"documents": [...]}` of everything a cursor yields.
 *
 * @throws {AppError} `ReadSizeLimitExceeded` when the documents outgrow an answer
 */
export async function documentsResult(cursor: EncodedCursor): Promise<ActionResult> {
  const documents: StoredDocument[] = []
  let bytes = 0
  for await (const document of cursor) {
    documents.push(document)
    bytes += document instanceof Uint8Array ? document.length : 0
    if (bytes > maxAnswerBytes) throw new AppError('ReadSizeLimitExceeded', 'the result is larger than 350 MB')
  }
  return {
    inserted: false,
    write(format) {
      const out = new TextBuffer(Math.max(4_096, bytes * 2))
      out.ascii('{"documents":[')
      documents.forEach((document, index) => {
        if (index > 0) out.ascii(',')
        writeStored(document, format, out)
      })
      out.ascii(']}')
      return out.finish()
    },
  }
}

/** A count as every driver of the service read it. */
export function countField(count: number): Int32 {
  return new Int32(count)
}
