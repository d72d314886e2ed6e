import { AppError } from '../errors.ts'
import type { DocumentWrite } from './write-document.ts'

/** The refusal of a write; the client never learns which document or which rule, the log does. */
export function writeRefusal(kind: DocumentWrite['kind'], id: unknown): AppError {
  return new AppError('FunctionExecutionError', refusalText(kind), { status: 400, detail: { documentId: String(id) } })
}

/** The refusal of a document that its collection's schema does not accept. */
export function schemaRefusal(kind: DocumentWrite['kind'], id: unknown, problems: readonly string[]): AppError {
  return new AppError('SchemaValidationFailedWrite', refusalText(kind), {
    status: 400,
    detail: { documentId: String(id), schema: `could not validate document: ${problems.join(' ')}` },
  })
}

function refusalText(kind: DocumentWrite['kind']): string {
  return `${kind === 'replace' ? 'update' : kind} not permitted`
}
