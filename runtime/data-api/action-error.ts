import { AppError } from '../errors.ts'

/** What the text of a failed action starts with (spec: Data API 5). */
const prefixes = {
  findOne: 'Failed to find document: ',
  find: 'Failed to find documents: ',
  insertOne: 'Failed to insert document: ',
  insertMany: 'Failed to insert documents: ',
  updateOne: 'Failed to update document: ',
  updateMany: 'Failed to update documents: ',
  replaceOne: 'Failed to replace document: ',
  deleteOne: 'Failed to delete document: ',
  deleteMany: 'Failed to delete documents: ',
  aggregate: 'Failed to aggregate documents: ',
} as const

export type ActionName = keyof typeof prefixes

export function isAction(name: string): name is ActionName {
  return Object.hasOwn(prefixes, name)
}

/**
 * An action that failed by itself (a bad field, the server's refusal, a role's refusal), as opposed to a request that
 * was refused before: status 400, and the second class of error bodies of spec Data API 5.
 */
export class ActionError extends AppError {
  constructor(action: ActionName, text: string, cause?: unknown) {
    const detail = cause instanceof AppError ? cause.detail : undefined
    super('MongoDBError', prefixes[action] + text, { status: 400, cause, ...(detail ? { detail } : {}) })
  }
}

/** The error of an action: the data path's own wherever the client must tell it apart, else an `ActionError`. */
export function toActionError(action: ActionName, error: unknown): unknown {
  if (!(error instanceof AppError) || error instanceof ActionError) return error
  if (error.code === 'NoMatchingRuleFound' || (error.status !== undefined && error.status >= 500)) return error
  const refusal = error.code === 'FunctionExecutionError' || error.code === 'SchemaValidationFailedWrite'
  return new ActionError(action, refusal ? `FunctionError: ${error.message}` : error.message, error)
}
