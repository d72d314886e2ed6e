import type { Document } from 'bson'
import type { FieldRule, Role } from '../../schemas/app/definition.ts'
import { isDocument } from '../data/bson-kind.ts'
import type { ExpressionScope } from '../expression/index.ts'
import { choices } from './choices.ts'
import { ruleOf, topLevelRule } from './field-rules.ts'
import { holds, isDefined } from './permission.ts'
import { selectRole } from './select-role.ts'
import { setField } from './set-field.ts'

/** What a caller sees of a stored document. */
export interface ReadableDocument {
  /** The stored document itself when `whole`. */
  readonly document: Document
  readonly role: Role
  readonly whole: boolean
}

export interface ReadRequest {
  /** The document is a result of `$search`. */
  readonly search?: boolean
}

/**
 * Decides what a caller may read of a stored document (spec: rules 4.3).
 *
 * @returns undefined when the document is hidden
 */
export async function readDocument(
  roles: readonly Role[],
  scope: ExpressionScope,
  document: Document,
  request: ReadRequest = {},
): Promise<ReadableDocument | undefined> {
  const reading = { ...scope, root: document }
  // A `write` that asks for the absence of `%%prevRoot` means inserts; on reads it must not hold (spec: rules 8, 10).
  const writing = { ...reading, prevRoot: document }
  const role = await selectRole(roles, reading)
  if (!role) return undefined
  if (request.search && !(await holds(role.search, reading, choices.absentPermission))) return undefined
  if (!(await passesDocumentFilters(role, reading, writing))) return undefined
  if (await holds(role.write, writing, false)) return { document, role, whole: true }
  if (isDefined(role.read))
    return (await holds(role.read, reading, false)) ? { document, role, whole: true } : undefined
  const readable = await readFields(document, (field) => topLevelRule(role, field), reading)
  if (readable === undefined) return undefined
  if (choices.keepIdBesideReadableField && document._id !== undefined) readable._id = document._id
  return { document: readable, role, whole: false }
}

async function passesDocumentFilters(role: Role, reading: ExpressionScope, writing: ExpressionScope): Promise<boolean> {
  const filters = role.document_filters
  if (!filters) return true
  return (
    (await holds(filters.read, reading, choices.absentDocumentFilter)) ||
    (await holds(filters.write, writing, choices.absentDocumentFilter))
  )
}

/** The readable fields of a document; undefined when none is. */
async function readFields(
  document: Document,
  ruleFor: (field: string) => FieldRule | undefined,
  scope: ExpressionScope,
): Promise<Document | undefined> {
  const readable: Document = {}
  for (const [field, value] of Object.entries(document)) {
    const rule = ruleFor(field)
    if (!rule) continue
    // Most rules are literal: a tick per field and document would be most of the cost of a page.
    const visible = rule.read === true || rule.write === true ? value : await readValue(value, rule, scope)
    if (visible !== undefined) setField(readable, field, visible)
  }
  return Object.keys(readable).length > 0 ? readable : undefined
}

async function readValue(value: unknown, rule: FieldRule, scope: ExpressionScope): Promise<unknown> {
  if (await isFieldReadable(rule, value, scope)) return value
  const { fields } = rule
  if (!fields) return undefined
  if (Array.isArray(value)) {
    const items: Document[] = []
    for (const item of value) {
      const visible = isDocument(item) ? await readFields(item, (field) => ruleOf(fields, field), scope) : undefined
      if (visible) items.push(visible)
    }
    return items.length > 0 ? items : undefined
  }
  return isDocument(value) ? readFields(value, (field) => ruleOf(fields, field), scope) : undefined
}

/** Whether a field's rule shows all of it; `write` implies `read`. */
export async function isFieldReadable(rule: FieldRule, value: unknown, scope: ExpressionScope): Promise<boolean> {
  if (await holds(rule.read, { ...scope, this: value }, false)) return true
  return holds(rule.write, { ...scope, prevRoot: scope.root, this: value, prev: value }, false)
}

/**
 * Whether dotted paths of a document are readable in full under a role's field rules, whatever stands there: what a
 * query may test and a sort may order by.
 */
export async function arePathsReadable(
  role: Role,
  stored: Document,
  paths: readonly string[],
  scope: ExpressionScope,
): Promise<boolean> {
  const reading = { ...scope, root: stored }
  for (const path of paths) {
    const [top = '', ...rest] = path.split('.')
    const value: unknown = Object.hasOwn(stored, top) ? stored[top] : undefined
    if (!(await isRuleReadable(topLevelRule(role, top), value, rest, reading))) return false
  }
  return true
}

/** Whether the rest of a path below a field's rule is readable in full. */
export async function isRuleReadable(
  rule: FieldRule | undefined,
  value: unknown,
  rest: readonly string[],
  scope: ExpressionScope,
): Promise<boolean> {
  if (!rule) return false
  if (await isFieldReadable(rule, value, scope)) return true
  const [next, ...after] = rest
  if (next === undefined || !rule.fields) return false
  if (Array.isArray(value)) {
    if (/^\d+$/.test(next)) return isRuleReadable(rule, value[Number(next)], after, scope)
    for (const item of value) {
      const inner = isDocument(item) ? item[next] : undefined
      if (!(await isRuleReadable(ruleOf(rule.fields, next), inner, after, scope))) return false
    }
    return value.length > 0
  }
  return isRuleReadable(ruleOf(rule.fields, next), isDocument(value) ? value[next] : undefined, after, scope)
}
