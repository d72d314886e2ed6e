import type { StoredDocument } from '../data/data-access.ts'
import type { EjsonFormat } from './format.ts'
import type { TextBuffer } from './text-buffer.ts'
import { writeBson } from './write-bson.ts'
import { stringifyEjson } from './write-value.ts'

export type { EjsonFormat } from './format.ts'
export { entriesOf, getField } from './ordered-object.ts'
export { parseEjson, parseEjsonDocument } from './parse.ts'
export { TextBuffer } from './text-buffer.ts'
export { stringifyEjson } from './write-value.ts'

/** Appends a document as text: straight from its bytes where it still is bytes. */
export function writeStored(document: StoredDocument, format: EjsonFormat, out: TextBuffer): void {
  if (document instanceof Uint8Array) writeBson(document, format, out)
  else out.text(stringifyEjson(document, format))
}
