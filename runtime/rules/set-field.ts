import type { Document } from 'bson'

/** Sets a field under any name, `__proto__` included. */
export function setField(document: Document, field: string, value: unknown): void {
  if (field !== '__proto__') document[field] = value
  else Object.defineProperty(document, field, { value, enumerable: true, writable: true, configurable: true })
}
