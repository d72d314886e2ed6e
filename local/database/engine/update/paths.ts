import { printValue } from '../../bson/print.ts'
import { type Doc, isDoc, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { arrayIndex } from '../path.ts'
import type { Draft } from './draft.ts'

/** Judges an element of an array for `$[identifier]`. */
export type ElementFilter = (item: Value) => boolean

/** Splits an update's path and refuses what MongoDB refuses. */
export function parseUpdatePath(path: string): string[] {
  if (path === '') throw new DatabaseError(56, 'An empty update path is not valid.')
  const parts = path.split('.')
  if (parts.includes('')) {
    throw new DatabaseError(56, `The update path '${path}' contains an empty field name, which is not allowed.`)
  }
  if (parts[0]!.startsWith('$[') || parts[0] === '$') {
    throw new DatabaseError(
      2,
      `Cannot have ${parts[0] === '$' ? "positional (i.e. '$')" : "array filter identifier (i.e. '$[<id>]')"} element in the first position in path '${path}'`,
    )
  }
  for (const part of parts) {
    if (part.startsWith('$') && part !== '$' && !/^\$\[.*\]$/.test(part)) {
      throw new DatabaseError(
        52,
        `The dollar ($) prefixed field '${part}' in '${path}' is not allowed in the context of an update's replacement document. Consider using an aggregation pipeline with $replaceWith.`,
      )
    }
  }
  return parts
}

export function identifierOf(part: string): string | undefined {
  return part.startsWith('$[') && part.endsWith(']') ? part.slice(2, -1) : undefined
}

/** Numbers order as numbers, names as text: MongoDB applies an update's paths in this order. */
export function comparePaths(a: readonly string[], b: readonly string[]): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const left = a[at]!
    const right = b[at]!
    if (left === right) continue
    const leftIndex = arrayIndex(left)
    const rightIndex = arrayIndex(right)
    if (leftIndex >= 0 && rightIndex >= 0) return leftIndex - rightIndex
    return left < right ? -1 : 1
  }
  return a.length - b.length
}

/** Refuses two paths of which one is the other or lies within it, or that take one field for an array and for another. */
export function checkConflicts(paths: readonly (readonly string[])[]): void {
  const leaves = new Set<string>()
  /** Of each path that others lie within, whether these name elements by `$[identifier]`. */
  const inner = new Map<string, boolean>()
  for (const parts of paths) {
    const path = parts.join('.')
    for (let length = 1; length < parts.length; length++) {
      const prefix = parts.slice(0, length).join('.')
      const isFiltered = identifierOf(parts[length]!) !== undefined
      if (leaves.has(prefix) || inner.get(prefix) === !isFiltered) throw conflict(path, prefix)
      inner.set(prefix, isFiltered)
    }
    if (leaves.has(path) || inner.has(path)) throw conflict(path, path)
    leaves.add(path)
  }
}

function conflict(path: string, at: string): DatabaseError {
  return new DatabaseError(40, `Updating the path '${path}' would create a conflict at '${at}'`)
}

/** The concrete paths in a document that a path with `$`, `$[]` or `$[identifier]` stands for. */
export function resolvePath(
  draft: Draft,
  parts: readonly string[],
  matched: number | undefined,
  filters: ReadonlyMap<string, ElementFilter>,
): string[][] {
  let resolved: string[][] = [[]]
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at]!
    if (part === '$') {
      if (matched === undefined) {
        throw new DatabaseError(2, 'The positional operator did not find the match needed from the query.')
      }
      resolved = resolved.map((path) => [...path, String(matched)])
      continue
    }
    const identifier = identifierOf(part)
    if (identifier === undefined) {
      for (const path of resolved) path.push(part)
      continue
    }
    resolved = resolved.flatMap((path) => {
      const array = draft.get(path)
      if (array === undefined) {
        throw new DatabaseError(
          2,
          `The path '${path.join('.')}' must exist in the document in order to apply array updates.`,
        )
      }
      if (!Array.isArray(array)) {
        throw new DatabaseError(
          2,
          `Cannot apply array updates to non-array element ${path[path.length - 1]}: ${printValue(array)}`,
        )
      }
      const accepts = identifier === '' ? () => true : filters.get(identifier)!
      const found: string[][] = []
      array.forEach((item, index) => {
        if (accepts(item)) found.push([...path, String(index)])
      })
      return found
    })
  }
  return resolved
}

export function isDynamic(parts: readonly string[]): boolean {
  return parts.some((part) => part === '$' || identifierOf(part) !== undefined)
}

/** Refuses a change to `_id`. */
export function immutableId(path: string): DatabaseError {
  return new DatabaseError(66, `Performing an update on the path '${path}' would modify the immutable field '_id'`)
}

export function asDoc(value: Value, message: string, code = 2): Doc {
  if (!isDoc(value)) throw new DatabaseError(code, message)
  return value
}
