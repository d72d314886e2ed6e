import { type Document, serialize } from 'bson'
import type { FieldRule, Role } from '../../schemas/app/definition.ts'
import { isDocument } from '../data/bson-kind.ts'
import type { ExpressionScope } from '../expression/index.ts'
import { choices } from './choices.ts'
import { ruleOf, topLevelRule } from './field-rules.ts'
import { holds, isDefined } from './permission.ts'
import { arePathsReadable } from './read-document.ts'

/** A write as the rules see it: what was stored before, and what is stored after. */
export type DocumentWrite =
  | { readonly kind: 'insert'; readonly after: Document; readonly generatedId: boolean }
  | {
      readonly kind: 'update' | 'replace'
      readonly before: Document
      readonly after: Document
      /** Paths the change names, whether or not their values differ in the end. */
      readonly touched: readonly string[]
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
      // Setting a hidden field to what it holds changes nothing, and would tell that it holds it.
      if (!isDefined(role.write) && !(await arePathsReadable(role, write.before, write.touched, scope))) return false
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
