import type { Document } from 'bson'
import { bsonKind, isDocument, isNumberKind } from '../data/bson-kind.ts'
import { getField } from '../ejson/index.ts'
import { ActionError, type ActionName } from './action-error.ts'

/** Reads the fields of an action's body; `null` counts as absent, unknown fields are ignored. */
export class ActionFields {
  readonly #action: ActionName
  readonly #body: Document

  constructor(action: ActionName, body: Document) {
    this.#action = action
    this.#body = body
  }

  /** @throws {ActionError} when absent or not a string */
  requiredText(name: string): string {
    const value = this.#required(name)
    if (typeof value !== 'string' || value === '') throw this.#refusal(`'${name}' must be a non-empty string`)
    return value
  }

  /** @throws {ActionError} when absent or not an object */
  requiredDocument(name: string): Document {
    this.#required(name)
    return this.document(name) ?? {}
  }

  /** @throws {ActionError} when absent or not a list of objects */
  requiredDocuments(name: string): Document[] {
    const value = this.#required(name)
    if (!Array.isArray(value) || !value.every(isObject)) throw this.#refusal(`'${name}' must be an array of objects`)
    return value
  }

  /** An update: operators, or a pipeline. */
  requiredUpdate(name: string): Document | Document[] {
    return Array.isArray(this.#field(name)) ? this.requiredDocuments(name) : this.requiredDocument(name)
  }

  /** @throws {ActionError} when present and not an object */
  document(name: string): Document | undefined {
    const value = this.#field(name)
    if (value === undefined) return undefined
    if (!isObject(value)) throw this.#refusal(`'${name}' must be an object`)
    return value
  }

  /** @throws {ActionError} when present and not a whole number from 0 */
  count(name: string): number | undefined {
    const value = this.#field(name)
    if (value === undefined) return undefined
    const number = isNumberKind(bsonKind(value)) ? Number(value) : Number.NaN
    if (!Number.isSafeInteger(number) || number < 0) throw this.#refusal(`'${name}' must be a whole number from 0`)
    return number
  }

  /** @throws {ActionError} when present and not a boolean */
  flag(name: string): boolean {
    const value = this.#field(name) ?? false
    if (typeof value !== 'boolean') throw this.#refusal(`'${name}' must be a boolean`)
    return value
  }

  #field(name: string): unknown {
    return getField(this.#body, name) ?? undefined
  }

  #required(name: string): unknown {
    const value = this.#field(name)
    if (value === undefined) throw this.#refusal(`must provide a '${name}' field`)
    return value
  }

  #refusal(text: string): ActionError {
    return new ActionError(this.#action, text)
  }
}

function isObject(value: unknown): value is Document {
  return value instanceof Map || isDocument(value)
}
