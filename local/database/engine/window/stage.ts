import { compareValues } from '../../bson/compare.ts'
import { type Doc, isDoc, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { compile } from '../expression/compile.ts'
import { rootScope } from '../expression/scope.ts'
import { getPlain, splitPath } from '../path.ts'
import { compileSort, parseSort } from '../sort.ts'
import { type CompileStage, checkFields, specDoc } from '../stage/stage.ts'
import { withPath } from '../stage/unwind.ts'
import type { Partition } from './bounds.ts'
import { compileWindowFunction } from './functions.ts'

/** Splits documents into partitions, in the order of their values, each in the order of `sortBy`. */
export function partitions(
  input: Iterable<Doc>,
  partitionValue: ((doc: Doc) => Value | undefined) | undefined,
  sort: (docs: Doc[]) => Doc[],
): Doc[][] {
  if (partitionValue === undefined) return [sort(Array.from(input))]
  const entries = Array.from(input, (doc) => ({ doc, value: partitionValue(doc) ?? null }))
  entries.sort((a, b) => compareValues(a.value, b.value))
  const result: Doc[][] = []
  let previous: Value | undefined
  for (const { doc, value } of entries) {
    if (Array.isArray(value)) {
      throw new DatabaseError(14, 'An expression used to partition cannot evaluate to value of type array')
    }
    if (previous === undefined || compareValues(previous, value) !== 0) result.push([])
    result[result.length - 1]!.push(doc)
    previous = value
  }
  return result.map(sort)
}

export const setWindowFields: CompileStage = (specValue, env) => {
  const spec = specDoc(
    '$setWindowFields',
    specValue,
    9,
    `the $setWindowFields stage specification must be an object, found ${typeName(specValue)}`,
  )
  checkFields('$setWindowFields', spec, ['partitionBy', 'sortBy', 'output'])
  const output = spec.get('output')
  if (output === undefined)
    throw new DatabaseError(40414, "BSON field '$setWindowFields.output' is missing but a required field")
  if (!isDoc(output))
    throw new DatabaseError(14, "BSON field '$setWindowFields.output' is the wrong type, expected type 'object'")
  const sortBy = spec.get('sortBy')
  if (sortBy !== undefined && !isDoc(sortBy)) {
    throw new DatabaseError(14, "BSON field '$setWindowFields.sortBy' is the wrong type, expected type 'object'")
  }
  const scope = rootScope(env)
  const partitionSpec = spec.get('partitionBy')
  const partitionBy = partitionSpec === undefined ? undefined : compile(partitionSpec, scope)
  const fields = sortBy === undefined ? [] : parseSort(sortBy)
  const sorter = sortBy === undefined ? undefined : compileSort(sortBy, env)
  const [only] = fields
  const context = { scope, direction: fields.length === 1 ? only?.direction : undefined, isSorted: fields.length > 0 }
  const functions = Array.from(output, ([path, value]) => {
    if (!isDoc(value)) throw new DatabaseError(9, `The field '${path}' must be an object`)
    return { path: splitPath(path), run: compileWindowFunction(value, context) }
  })
  const sortPath = fields.length === 1 && only !== undefined ? splitPath(only.path) : undefined
  return function* (input) {
    for (const docs of partitions(input, partitionBy, (items) => sorter?.sort(items) ?? items)) {
      const partition: Partition = {
        docs,
        sortValues: sortPath === undefined ? [] : docs.map((doc) => getPlain(doc, sortPath)),
        isTie: (left, right) => sorter === undefined || sorter.compare(docs[left]!, docs[right]!) === 0,
      }
      const columns = functions.map(({ run }) => run(partition))
      for (let index = 0; index < docs.length; index++) {
        let doc = docs[index]!
        functions.forEach(({ path }, column) => {
          doc = withPath(doc, path, columns[column]![index])
        })
        yield doc
      }
    }
  }
}
