import { type Document, ObjectId } from 'bson'

/** True for a document whose writer chose its `_id`. */
export function hasOwnId(document: Document): boolean {
  const id: unknown =
    document instanceof Map ? document.get('_id') : Object.hasOwn(document, '_id') ? document._id : null
  return id !== undefined && id !== null
}

/** The document with an `_id`, a new ObjectId in front when it has none; the given document is left as it is. */
export function withId(document: Document): { document: Document; id: unknown } {
  if (document instanceof Map) {
    const id: unknown = hasOwnId(document) ? document.get('_id') : new ObjectId()
    return { id, document: hasOwnId(document) ? document : new Map([['_id', id], ...document]) }
  }
  if (hasOwnId(document)) return { id: document._id, document }
  const { _id: _absent, ...rest } = document
  const id = new ObjectId()
  return { id, document: { _id: id, ...rest } }
}
