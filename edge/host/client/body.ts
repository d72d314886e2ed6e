import type { Document } from 'bson'
import { getField, parseEjsonDocument } from '../../../runtime/ejson/index.ts'
import { AppError } from '../../../runtime/errors.ts'
import type { HostRequest } from '../../host-request.ts'

/** The body as a document with BSON types; `{}` when empty. @throws {AppError} `BadRequest` */
export function readDocument(request: HostRequest): Document {
  const text = new TextDecoder().decode(request.body)
  return text.trim() === '' ? {} : parseEjsonDocument(text)
}

/** A field that has to be text: anything else, an operator object included, counts as absent. */
export function textField(body: Document, name: string): string | undefined {
  const value = getField(body, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** @throws {AppError} `BadRequest` */
export function requiredText(body: Document, name: string): string {
  const value = textField(body, name)
  if (value === undefined) throw new AppError('BadRequest', `'${name}' is a required string`)
  return value
}
