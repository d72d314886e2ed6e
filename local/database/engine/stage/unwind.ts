import { type Doc, isDoc, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { getPlain, splitPath } from '../path.ts'
import type { CompileStage } from './stage.ts'

/** A copy of the document with another value at a path; `undefined` removes the field. */
export function withPath(doc: Doc, parts: readonly string[], value: Value | undefined, at = 0): Doc {
  const result = new Map(doc)
  const part = parts[at]!
  if (at === parts.length - 1) {
    if (value === undefined) result.delete(part)
    else result.set(part, value)
    return result
  }
  const inner = result.get(part)
  if (value === undefined && !isDoc(inner)) return result
  result.set(part, withPath(isDoc(inner) ? inner : new Map(), parts, value, at + 1))
  return result
}

interface UnwindSpec {
  readonly path: readonly string[]
  readonly indexPath: readonly string[] | undefined
  readonly keepsEmpty: boolean
}

function parse(spec: Value): UnwindSpec {
  let path: Value | undefined = spec
  let index: Value | undefined
  let keepsEmpty: Value | undefined = false
  if (isDoc(spec)) {
    for (const field of spec.keys()) {
      if (field !== 'path' && field !== 'includeArrayIndex' && field !== 'preserveNullAndEmptyArrays') {
        throw new DatabaseError(28811, `unrecognized option to $unwind stage: ${field}`)
      }
    }
    path = spec.get('path')
    index = spec.get('includeArrayIndex')
    keepsEmpty = spec.get('preserveNullAndEmptyArrays') ?? false
    if (path === undefined) throw new DatabaseError(28812, 'no path specified to $unwind stage')
    if (typeof path !== 'string') {
      throw new DatabaseError(28808, `expected a string as the path for $unwind stage, got ${typeName(path)}`)
    }
    if (typeof keepsEmpty !== 'boolean') {
      throw new DatabaseError(
        28809,
        `expected a boolean for the preserveNullAndEmptyArrays option to $unwind stage, got ${typeName(keepsEmpty)}`,
      )
    }
    if (index !== undefined && (typeof index !== 'string' || index === '')) {
      throw new DatabaseError(
        28810,
        `expected a non-empty string for the includeArrayIndex  option to $unwind stage, got ${typeName(index)}`,
      )
    }
  }
  if (typeof path !== 'string') {
    throw new DatabaseError(
      15981,
      `expected either a string or an object as specification for $unwind stage, got ${typeName(spec)}`,
    )
  }
  if (path === '') throw new DatabaseError(28812, 'no path specified to $unwind stage')
  if (!path.startsWith('$')) {
    throw new DatabaseError(28818, `path option to $unwind stage should be prefixed with a '$': ${path}`)
  }
  if (typeof index === 'string' && index.startsWith('$')) {
    throw new DatabaseError(
      28822,
      `includeArrayIndex option to $unwind stage should not be prefixed with a '$': ${index}`,
    )
  }
  return {
    path: splitPath(path.slice(1)),
    indexPath: typeof index === 'string' ? splitPath(index) : undefined,
    keepsEmpty,
  }
}

export const unwind: CompileStage = (specValue) => {
  const { path, indexPath, keepsEmpty } = parse(specValue)
  const withIndex = (doc: Doc, index: Value): Doc => (indexPath === undefined ? doc : withPath(doc, indexPath, index))
  return function* (input) {
    for (const doc of input) {
      const value = getPlain(doc, path)
      if (Array.isArray(value)) {
        if (value.length === 0) {
          if (keepsEmpty) yield withIndex(withPath(doc, path, undefined), null)
          continue
        }
        for (let index = 0; index < value.length; index++) {
          yield withIndex(withPath(doc, path, value[index]), BigInt(index))
        }
      } else if (value === undefined || value === null) {
        if (keepsEmpty) yield withIndex(doc, null)
      } else yield withIndex(doc, null)
    }
  }
}
