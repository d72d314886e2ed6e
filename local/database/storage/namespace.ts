import { DatabaseError } from '../errors.ts'

const MAX_DATABASE_BYTES = 63
const MAX_NAMESPACE_BYTES = 255

/** The `system.` collections that clients may make and write: in any database, and in one alone. */
const SYSTEM_COLLECTIONS: ReadonlySet<string> = new Set(['system.users', 'system.js'])
const SYSTEM_NAMESPACES: ReadonlySet<string> = new Set([
  'admin.system.roles',
  'admin.system.version',
  'admin.system.new_users',
  'admin.system.backup_users',
  'admin.system.keys',
  'config.system.sessions',
  'config.system.preimages',
  'local.system.replset',
  'local.system.healthlog',
])

/** @throws {DatabaseError} 73 InvalidNamespace, by the rules of a server on Linux */
export function assertDatabaseName(db: string): void {
  if (db === '' || Buffer.byteLength(db) > MAX_DATABASE_BYTES || /[/\\. "$\0]/.test(db)) {
    throw new DatabaseError(73, `Invalid database name: '${db}'`)
  }
}

/** A name that a command may carry, be there such a collection or not. @throws {DatabaseError} 73 InvalidNamespace */
export function assertCollectionName(db: string, collection: string): void {
  const problem =
    collection === '' || collection.startsWith('.') || collection.endsWith('.') || /[\0$]/.test(collection)
  if (problem) throw new DatabaseError(73, `Invalid namespace specified '${db}.${collection}'`)
}

/** A name that a client may make or write to. @throws {DatabaseError} 73 InvalidNamespace */
export function assertWritableName(db: string, collection: string): void {
  assertCollectionName(db, collection)
  const namespace = `${db}.${collection}`
  if (collection === 'system.profile' || collection === 'system.views') {
    throw new DatabaseError(73, `cannot write to ${namespace}`)
  }
  const system = collection.startsWith('system.')
  if (system && !SYSTEM_COLLECTIONS.has(collection) && !SYSTEM_NAMESPACES.has(namespace)) {
    throw new DatabaseError(73, `Invalid system namespace: ${namespace}`)
  }
  if (Buffer.byteLength(namespace) > MAX_NAMESPACE_BYTES) {
    throw new DatabaseError(
      73,
      `Fully qualified namespace is too long. Namespace: ${namespace} Max: ${MAX_NAMESPACE_BYTES}`,
    )
  }
}
