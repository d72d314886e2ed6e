import { DatabaseError } from '../errors.ts'

/** @throws {DatabaseError} 73 InvalidNamespace */
export function assertDatabaseName(db: string): void {
  if (db === '' || db.length > 63 || /[/\\. "$\0]/.test(db)) {
    throw new DatabaseError(73, `Invalid database name: '${db}'`)
  }
}

/** @throws {DatabaseError} 73 InvalidNamespace */
export function assertCollectionName(db: string, collection: string): void {
  const problem =
    collection === '' ||
    collection.startsWith('.') ||
    collection.endsWith('.') ||
    collection.includes('\0') ||
    collection.includes('$')
  if (problem) throw new DatabaseError(73, `Invalid namespace specified '${db}.${collection}'`)
  if (db.length + collection.length + 1 > 255) {
    throw new DatabaseError(73, `Fully qualified namespace is too long. Namespace: ${db}.${collection} Max: 255`)
  }
}
