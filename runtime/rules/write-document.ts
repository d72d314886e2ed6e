import { type Document, serialize } from 'bson'
import type { FieldRule, Role } from '../../schemas/app/definition.ts'
import { isDocument } from '../data/bson-kind.ts'
import type { ExpressionScope } from '../expression/index.ts'
import { choices } from './choices.ts'
import { ruleOf, topLevelRule } from './field-rules.ts'
import { holds, isDefined } from './permission.ts'
import { isFieldReadable, isRuleReadable } from './read-document.ts'

/** A write as the rules see it: what was stored before, and what is stored after. */
export type DocumentWrite =
  | { readonly kind: 'insert'; readonly after: Document; readonly generatedId: boolean }
  | {
      readonly kind: 'update' | 'replace'
      readonly before: Document
      readonly after: Document
      /** Paths the change names, whether or not their values differ in the end; without those that anyway can be read. */
      readonly touched: readonly string[]
      /** The role shows the whole document, so that `touched` are paths that projections of the rules leave out. */
      readonly wholeByRole?: boolean
    }
  | { readonly kind: 'delete'; readonly before: Document }

/**
 * Decides whether a role permits a write (spec: rules 4.4). The role was selected on the document before the write, for
 * an insert on the new document.
 */
export async function isWritePermitted(role: Role, write: DocumentWrite, scope: ExpressionScope): Promise<boolean> {
  if (!(await passesWriteFilter(role, write, scope))) return false
  switch (write.kind) {
    case 'delete':
      return isDeletePermitted(role, write.before, scope)
    case 'insert': {
      const inserting = { ...scope, root: write.after, prevRoot: undefined }
      const checked = write.generatedId ? withoutId(write.after) : write.after
      if (!(await isContentPermitted(role, {}, checked, inserting))) return false
      return holds(role.insert, inserting, choices.absentPermission)
    }
    default: {
      const changing = { ...scope, root: write.after, prevRoot: write.before }
      if (!isDefined(role.write) && !(await areGuessesReadable(role, write, scope))) return false
      return isContentPermitted(role, write.before, write.after, changing)
    }
  }
}

async function passesWriteFilter(role: Role, write: DocumentWrite, scope: ExpressionScope): Promise<boolean> {
  const filter = role.document_filters
  if (!filter) return true
  const passes = (root: Document, prevRoot: Document | undefined) =>
    holds(filter.write, { ...scope, root, prevRoot }, choices.absentDocumentFilter)
  switch (write.kind) {
    case 'insert':
      return passes(write.after, undefined)
    case 'delete':
      return passes(write.before, write.before)
    default:
      if (choices.documentFilterOnBothImages && !(await passes(write.before, write.before))) return false
      return passes(write.after, write.before)
  }
}

async function isDeletePermitted(role: Role, before: Document, scope: ExpressionScope): Promise<boolean> {
  const deleting = { ...scope, root: before, prevRoot: before }
  if (!(await holds(role.delete, deleting, choices.absentPermission))) return false
  if (!choices.deleteNeedsWrite) return !isDefined(role.write) || holds(role.write, deleting, false)
  return isContentPermitted(role, before, {}, deleting)
}

/** `write` of the role, or of every field that differs. */
async function isContentPermitted(
  role: Role,
  before: Document,
  after: Document,
  scope: ExpressionScope,
): Promise<boolean> {
  if (isDefined(role.write)) return holds(role.write, scope, false)
  return areFieldsWritable(before, after, (field) => topLevelRule(role, field), scope)
}

async function areFieldsWritable(
  before: Document,
  after: Document,
  ruleFor: (field: string) => FieldRule | undefined,
  scope: ExpressionScope,
): Promise<boolean> {
  for (const field of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [prev, value] = [ownField(before, field), ownField(after, field)]
    if (!sameValue(prev, value) && !(await isFieldWritable(prev, value, ruleFor(field), scope))) return false
  }
  return true
}

async function isFieldWritable(
  prev: unknown,
  value: unknown,
  rule: FieldRule | undefined,
  scope: ExpressionScope,
): Promise<boolean> {
  if (!rule) return false
  if (await holds(rule.write, { ...scope, this: value, prev }, false)) return true
  const { fields } = rule
  if (!fields) return false
  const ruleFor = (field: string) => ruleOf(fields, field)
  if (isDocumentOrAbsent(prev) && isDocumentOrAbsent(value)) {
    return areFieldsWritable(prev ?? {}, value ?? {}, ruleFor, scope)
  }
  if (!isListOrAbsent(prev) || !isListOrAbsent(value)) return false
  const [old, items] = [prev ?? [], value ?? []]
  for (let i = 0; i < Math.max(old.length, items.length); i++) {
    if (sameValue(old[i], items[i])) continue
    const [a, b] = [old[i], items[i]]
    if (!isDocumentOrAbsent(a) || !isDocumentOrAbsent(b)) return false
    if (!(await areFieldsWritable(a ?? {}, b ?? {}, ruleFor, scope))) return false
  }
  return true
}

/**
 * Whether everything that a change names and leaves as it is may be read. Setting a hidden field to the value it holds
 * changes nothing and would pass: a right guess must be refused like a wrong one.
 */
async function areGuessesReadable(
  role: Role,
  { before, after, touched, wholeByRole }: Extract<DocumentWrite, { touched: unknown }>,
  scope: ExpressionScope,
): Promise<boolean> {
  const reading = { ...scope, root: before, prevRoot: undefined }
  for (const path of touched) {
    const [top = '', ...rest] = path.split('.')
    const rule = wholeByRole ? withoutReads(topLevelRule(role, top)) : topLevelRule(role, top)
    if (!(await isGuessReadable(rule, ownField(before, top), ownField(after, top), rest, reading))) return false
  }
  return true
}

/** A field's rule for a value that is hidden otherwise: who may write it may set it to what it is. */
function withoutReads(rule: FieldRule | undefined): FieldRule | undefined {
  if (!rule) return undefined
  const { read: _hidden, fields, ...writes } = rule
  const inner = Object.entries(fields ?? {}).map(([name, field]) => [name, withoutReads(field) ?? {}] as const)
  return fields ? { ...writes, fields: Object.fromEntries(inner) } : writes
}

async function isGuessReadable(
  rule: FieldRule | undefined,
  prev: unknown,
  value: unknown,
  rest: readonly string[],
  scope: ExpressionScope,
): Promise<boolean> {
  if (sameValue(prev, value)) return isRuleReadable(rule, prev, rest, scope)
  // What differs is for the write permissions to decide; below it, something may still be named and stay.
  if (!rule || (await isFieldReadable(rule, prev, scope))) return true
  const { fields } = rule
  if (!fields) return true
  if (Array.isArray(prev) && Array.isArray(value)) {
    const [first = ''] = rest
    const index = /^\d+$/.test(first) ? first : undefined
    const inner = index === undefined ? rest : rest.slice(1)
    for (const [i, item] of value.entries()) {
      if (index !== undefined && Number(index) !== i) continue
      if (!(await isGuessReadable(rule, prev[i], item, inner, scope))) return false
    }
    return true
  }
  if (!isDocumentOrAbsent(prev) || !isDocumentOrAbsent(value)) return true
  const [old, next] = [prev ?? {}, value ?? {}]
  const [step, ...inner] = rest
  const steps = step === undefined ? new Set([...Object.keys(old), ...Object.keys(next)]) : [step]
  for (const name of steps) {
    const named = step === undefined ? [] : inner
    if (!(await isGuessReadable(ruleOf(fields, name), ownField(old, name), ownField(next, name), named, scope)))
      return false
  }
  return true
}

function isDocumentOrAbsent(value: unknown): value is Document | undefined {
  return value === undefined || isDocument(value)
}

function isListOrAbsent(value: unknown): value is unknown[] | undefined {
  return value === undefined || Array.isArray(value)
}

function ownField(document: Document, field: string): unknown {
  return Object.hasOwn(document, field) ? document[field] : undefined
}

function withoutId({ _id, ...rest }: Document): Document {
  return rest
}

/** Equality of stored values, byte for byte: `1` and `1.0` differ, and so does another order of keys. */
function sameValue(left: unknown, right: unknown): boolean {
  if (left === undefined || right === undefined) return left === right
  if (typeof left !== 'object' && typeof right !== 'object') return left === right
  const [a, b] = [serialize({ v: left }), serialize({ v: right })]
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
