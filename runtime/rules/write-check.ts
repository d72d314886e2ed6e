import { type Document, serialize } from 'bson'
import type { Role } from '../../schemas/app/definition.ts'
import { decodeDocument } from '../data/bson-types.ts'
import { AppError } from '../errors.ts'
import { schemaRefusal, writeRefusal } from './rule-refusal.ts'
import { validateDocument } from './schema.ts'
import { selectRole } from './select-role.ts'
import type { UserCollection } from './user-collection.ts'
import { type DocumentWrite, isWritePermitted } from './write-document.ts'

/** @throws {AppError} `FunctionExecutionError` or `SchemaValidationFailedWrite` */
export async function assertPermitted(collection: UserCollection, write: DocumentWrite): Promise<void> {
  const { rules, scope } = collection
  const before = write.kind === 'insert' ? undefined : write.before
  const image = before ?? (write.kind === 'delete' ? undefined : write.after)
  const role = await selectRole(rules.roles, { ...scope, root: image, prevRoot: before })
  if (!role || !(await isWritePermitted(role, write, scope))) throw writeRefusal(write.kind, image?._id)
  if (write.kind === 'delete' || !rules.schema) return
  const problems = await validateDocument(rules.schema, write.after, before, scope)
  if (problems.length > 0) throw schemaRefusal(write.kind, write.after._id, problems)
}

/** @throws {AppError} `FunctionExecutionError` for a stored document without a role */
export async function assertRole(
  collection: UserCollection,
  stored: Document,
  kind: DocumentWrite['kind'],
): Promise<Role> {
  const role = await selectRole(collection.rules.roles, { ...collection.scope, root: stored, prevRoot: stored })
  if (!role) throw writeRefusal(kind, stored._id)
  return role
}

/** The document as it will be read back: JS values in their BSON types. */
export function asStored(document: Document): Document {
  try {
    return decodeDocument(serialize(document))
  } catch (error) {
    throw new AppError('MongoDBError', 'the document cannot be stored as BSON', { status: 400, cause: error })
  }
}
