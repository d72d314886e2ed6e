import type { Document } from 'bson'

/**
 * The decision procedure of the rules as its specification writes it, plainly and slowly, over plain JS values: the
 * judge of the engine in the property test. Knows only what the generated rules use.
 */

interface Images {
  user: Document
  root: Document | undefined
  prevRoot: Document | undefined
}

type Rule = Document | boolean | undefined

export function evaluates(expression: Rule, images: Images): boolean {
  if (typeof expression === 'boolean') return expression
  return Object.entries(expression ?? {}).every(([key, value]) => {
    if (key === '%or') return value.some((child: Rule) => evaluates(child, images))
    if (key === '%and') return value.every((child: Rule) => evaluates(child, images))
    if (key === '%not') return !evaluates(value, images)
    const left = key.startsWith('%%') ? expand(key, images) : at(images.root, key.split('.'))
    if (typeof value !== 'object' || value === null) return equals(left, resolve(value, images))
    const [[operator, operand] = ['', undefined]] = Object.entries(value)
    const right = resolve(operand, images)
    if (operator === '%exists') return (left !== undefined) === operand
    if (operator === '%ne') return !equals(left, right)
    if (operator === '%gt') return isScalar(left) && typeof left === typeof right && left > (right as typeof left)
    if (operator === '%in') return Array.isArray(right) && right.some((item) => equals(left, item))
    throw new Error(operator)
  })
}

function isScalar(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

function equals(left: unknown, right: unknown): boolean {
  if (left === undefined || right === undefined) return false
  if (Array.isArray(left) && !Array.isArray(right)) return left.includes(right)
  if (!Array.isArray(left) && Array.isArray(right)) return right.includes(left)
  return JSON.stringify(left) === JSON.stringify(right)
}

function resolve(value: unknown, images: Images): unknown {
  return typeof value === 'string' && value.startsWith('%%') ? expand(value, images) : value
}

function expand(text: string, images: Images): unknown {
  const [name = '', ...path] = text.slice(2).split('.')
  return at(images[name as keyof Images], path)
}

function at(value: unknown, path: string[]): unknown {
  return path.reduce<unknown>((current, step) => (current as Document | undefined)?.[step], value)
}

export function roleOf(roles: Document[], images: Images): Document | undefined {
  return roles.find((role) => evaluates(role.apply_when, images))
}

/** What `user` reads of a stored document; undefined when it is hidden. */
export function reads(roles: Document[], user: Document, document: Document): Document | undefined {
  const reading = { user, root: document, prevRoot: undefined }
  const writing = { user, root: document, prevRoot: document }
  const role = roleOf(roles, reading)
  if (!role) return undefined
  const filters = role.document_filters
  if (filters && !evaluates(filters.read ?? true, reading) && !evaluates(filters.write ?? true, writing))
    return undefined
  if (role.read !== undefined) {
    if (evaluates(role.read, reading)) return document
    return role.write !== undefined && evaluates(role.write, writing) ? document : undefined
  }
  if (role.write !== undefined && evaluates(role.write, writing)) return document
  const kept = readFields(document, (field) => role.fields?.[field] ?? role.additional_fields, reading, writing)
  return Object.keys(kept).length > 0 ? kept : undefined
}

function readFields(
  document: Document,
  ruleOf: (field: string) => Document | undefined,
  reading: Images,
  writing: Images,
): Document {
  const kept: Document = {}
  for (const [field, value] of Object.entries(document)) {
    const rule = ruleOf(field)
    if (!rule) continue
    if (evaluates(rule.read ?? false, reading) || evaluates(rule.write ?? false, writing)) kept[field] = value
    else if (rule.fields && typeof value === 'object' && !Array.isArray(value)) {
      const inner = readFields(value, (name) => rule.fields[name], reading, writing)
      if (Object.keys(inner).length > 0) kept[field] = inner
    }
  }
  return kept
}

/** Whether `user` may turn `before` into `after`; one of them absent for inserts and deletes. */
export function writes(
  roles: Document[],
  user: Document,
  before: Document | undefined,
  after: Document | undefined,
): boolean {
  const role = roleOf(roles, { user, root: before ?? after, prevRoot: before })
  if (!role) return false
  const images = { user, root: after ?? before, prevRoot: before }
  const filter = role.document_filters
  if (filter && !evaluates(filter.write ?? true, images)) return false
  if (filter && before && !evaluates(filter.write ?? true, { user, root: before, prevRoot: before })) return false
  if (!after && !evaluates(role.delete ?? true, images)) return false
  if (!before && !evaluates(role.insert ?? true, images)) return false
  if (role.write !== undefined) return evaluates(role.write, images)
  return writesFields(before ?? {}, after ?? {}, (field) => role.fields?.[field] ?? role.additional_fields, images)
}

function writesFields(
  before: Document,
  after: Document,
  ruleOf: (field: string) => Document | undefined,
  images: Images,
  inside = false,
): boolean {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].every((field) => {
    const [old, value] = [before[field], after[field]]
    const rule = ruleOf(field)
    // Whole values are set in the test: what stays the same inside one was named, and must be readable.
    if (JSON.stringify(old) === JSON.stringify(value)) return !inside || isReadable(rule, images)
    if (!rule) return false
    if (evaluates(rule.write ?? false, images)) return true
    if (!rule.fields || ![old, value].every((side) => side === undefined || isPlain(side))) return false
    return writesFields(old ?? {}, value ?? {}, (name) => rule.fields[name], images, true)
  })
}

function isReadable(rule: Document | undefined, { user, prevRoot }: Images): boolean {
  const reading = { user, root: prevRoot, prevRoot: undefined }
  return evaluates(rule?.read ?? false, reading) || evaluates(rule?.write ?? false, { ...reading, prevRoot })
}

function isPlain(value: unknown): boolean {
  return typeof value === 'object' && !Array.isArray(value)
}
