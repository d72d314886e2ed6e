import { printValue } from '../../bson/print.ts'
import { type Doc, isDoc, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { arrayIndex } from '../path.ts'

const MAX_BACKFILL = 1_500_000

/** What a change stream reports of an update. */
export interface UpdateDescription {
  readonly updatedFields: Doc
  readonly removedFields: string[]
  /** Documents `{ field, newSize }`. */
  readonly truncatedArrays: Value[]
}

/** A document being updated: the containers on a changed path are copied once, so the original stays as it was. */
export class Draft {
  readonly original: Doc
  root: Doc
  changed = false
  readonly description: UpdateDescription = { updatedFields: new Map(), removedFields: [], truncatedArrays: [] }
  readonly #owned = new Set<Doc | Value[]>()

  constructor(original: Doc) {
    this.original = original
    this.root = original
  }

  /** The document's identity as MongoDB's messages show it. */
  get label(): string {
    const id = this.original.get('_id')
    return id === undefined ? '{ no _id }' : `{_id: ${printValue(id)}}`
  }

  get(parts: readonly string[]): Value | undefined {
    let value: Value | undefined = this.root
    for (const part of parts) {
      if (isDoc(value)) value = value.get(part)
      else if (Array.isArray(value)) value = value[arrayIndex(part)]
      else return undefined
    }
    return value
  }

  /** Sets the value at a path, creating documents on the way. */
  set(parts: readonly string[], value: Value): void {
    let container: Doc | Value[] = this.#ownRoot()
    this.changed = true
    for (let at = 0; ; at++) {
      const part = parts[at]!
      const existing = childOf(container, part)
      if (at === parts.length - 1) {
        put(container, part, value)
        this.description.updatedFields.set(parts.join('.'), value)
        return
      }
      if (existing === undefined) {
        let built: Value = value
        for (let inner = parts.length - 1; inner > at; inner--) built = new Map([[parts[inner]!, built]])
        put(container, part, built)
        this.description.updatedFields.set(parts.slice(0, at + 1).join('.'), built)
        return
      }
      container = this.#ownChild(container, part, existing, parts[at + 1]!)
    }
  }

  /** Removes a field; an element of an array becomes null. */
  unset(parts: readonly string[]): void {
    if (this.get(parts) === undefined) return
    let container: Doc | Value[] = this.#ownRoot()
    this.changed = true
    for (let at = 0; at < parts.length - 1; at++) {
      container = this.#ownChild(container, parts[at]!, childOf(container, parts[at]!)!, parts[at + 1]!)
    }
    const last = parts[parts.length - 1]!
    if (Array.isArray(container)) {
      container[arrayIndex(last)] = null
      this.description.updatedFields.set(parts.join('.'), null)
    } else {
      container.delete(last)
      this.description.removedFields.push(parts.join('.'))
    }
  }

  /** Refuses a path that cannot be created: through a scalar, or by name into an array. */
  checkViable(parts: readonly string[]): void {
    let value: Value | undefined = this.root
    for (let at = 0; at < parts.length; at++) {
      const part = parts[at]!
      if (value === undefined) return
      if (isDoc(value)) value = value.get(part)
      else if (Array.isArray(value) && arrayIndex(part) >= 0) value = value[arrayIndex(part)]
      else throw notViable(part, parts[at - 1]!, value)
    }
  }

  #ownRoot(): Doc {
    if (this.root === this.original) this.root = new Map(this.original)
    return this.root
  }

  #ownChild(container: Doc | Value[], part: string, child: Value, next: string): Doc | Value[] {
    if (!isDoc(child) && !(Array.isArray(child) && arrayIndex(next) >= 0)) throw notViable(next, part, child)
    if (this.#owned.has(child)) return child
    const copy = isDoc(child) ? new Map(child) : [...child]
    this.#owned.add(copy)
    put(container, part, copy)
    return copy
  }
}

function notViable(part: string, parent: string, value: Value): DatabaseError {
  return new DatabaseError(28, `Cannot create field '${part}' in element {${parent}: ${printValue(value)}}`)
}

function childOf(container: Doc | Value[], part: string): Value | undefined {
  return isDoc(container) ? container.get(part) : container[arrayIndex(part)]
}

function put(container: Doc | Value[], part: string, value: Value): void {
  if (isDoc(container)) {
    container.set(part, value)
    return
  }
  const index = arrayIndex(part)
  if (index - container.length > MAX_BACKFILL) {
    throw new DatabaseError(183, `Can't backfill more than ${MAX_BACKFILL} elements`)
  }
  while (container.length < index) container.push(null)
  container[index] = value
}
