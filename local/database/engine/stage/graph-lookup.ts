import { hashKey } from '../../bson/hash.ts'
import { exactInteger } from '../../bson/number.ts'
import { type Doc, isDoc, isNumber, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { compileExpression } from '../expression/compile.ts'
import { shown } from '../expression/define.ts'
import { compileFilter } from '../match/filter.ts'
import { splitPath } from '../path.ts'
import { finder, localValues } from './lookup.ts'
import { type CompileStage, specDoc } from './stage.ts'
import { withPath } from './unwind.ts'

const TEXTS = ['from', 'as', 'connectFromField', 'connectToField', 'depthField'] as const

export const graphLookup: CompileStage = (specValue, env) => {
  const spec = specDoc(
    '$graphLookup',
    specValue,
    40327,
    `the $graphLookup stage specification must be an object, but found ${typeName(specValue)}`,
  )
  const known = new Set<string>([...TEXTS, 'startWith', 'maxDepth', 'restrictSearchWithMatch'])
  for (const field of spec.keys()) {
    if (!known.has(field)) throw new DatabaseError(40104, `Unknown argument to $graphLookup: ${field}`)
  }
  const texts: Record<string, string> = {}
  for (const field of TEXTS) {
    const value = spec.get(field)
    if (value === undefined) continue
    if (typeof value !== 'string') {
      throw new DatabaseError(40103, `expected string as argument for ${field}, found: ${shown(value)}`)
    }
    texts[field] = value
  }
  const { from, as, connectFromField, connectToField, depthField } = texts
  const startSpec = spec.get('startWith')
  if (
    from === undefined ||
    as === undefined ||
    connectFromField === undefined ||
    connectToField === undefined ||
    startSpec === undefined
  ) {
    throw new DatabaseError(
      40105,
      "$graphLookup requires 'from', 'as', 'startWith', 'connectFromField', and 'connectToField' to be specified.",
    )
  }
  const maxDepthValue = spec.get('maxDepth')
  let maxDepth = Infinity
  if (maxDepthValue !== undefined) {
    if (!isNumber(maxDepthValue)) {
      throw new DatabaseError(40100, `maxDepth requires numeric argument, found type: ${typeName(maxDepthValue)}`)
    }
    const integer = exactInteger(maxDepthValue)
    if (integer === undefined)
      throw new DatabaseError(40102, `maxDepth could not be represented as a long long: ${shown(maxDepthValue)}`)
    if (integer < 0n) throw new DatabaseError(40101, `maxDepth requires a nonnegative argument, found: ${integer}`)
    maxDepth = Number(integer)
  }
  const restriction = spec.get('restrictSearchWithMatch')
  if (restriction !== undefined && !isDoc(restriction)) {
    throw new DatabaseError(40185, `restrictSearchWithMatch must be an object, found ${typeName(restriction)}`)
  }
  const accepts = restriction === undefined ? undefined : compileFilter(restriction, env)
  const startWith = compileExpression(startSpec, env)
  const find = finder(from, connectToField, env)
  const asPath = splitPath(as)
  const depthPath = depthField === undefined ? undefined : splitPath(depthField)

  const search = (start: Value | undefined): Doc[] => {
    const found = new Map<string, Doc>()
    const asked = new Set<string>()
    let frontier: Value[] = start === undefined ? [null] : Array.isArray(start) ? start : [start]
    for (let depth = 0; depth <= maxDepth && frontier.length > 0; depth++) {
      const values = frontier.filter((value) => {
        const key = hashKey(value, env.collation)
        if (asked.has(key)) return false
        asked.add(key)
        return true
      })
      frontier = []
      for (const doc of values.length === 0 ? [] : find(values)) {
        const key = hashKey(doc.get('_id'))
        if (found.has(key) || (accepts !== undefined && !accepts(doc))) continue
        found.set(key, depthPath === undefined ? doc : withPath(doc, depthPath, BigInt(depth)))
        for (const value of localValues(doc, connectFromField)) if (value !== null) frontier.push(value)
      }
    }
    return Array.from(found.values())
  }
  return function* (input) {
    for (const doc of input) yield withPath(doc, asPath, search(startWith(doc)))
  }
}
