import { type Doc, isDoc, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { compileStageProjection } from '../projection/compile.ts'
import { setWindowFields } from '../window/stage.ts'
import { type CompileStage, checkFields, mapDocs, specDoc } from './stage.ts'

/** `$fill`: by a value where the field is null or missing, or by a method over the partition. */
export const fill: CompileStage = (specValue, env, compilePipeline) => {
  const spec = specDoc(
    '$fill',
    specValue,
    6050200,
    `the $fill specification must be an object, found ${typeName(specValue)}`,
  )
  checkFields('$fill', spec, ['partitionBy', 'partitionByFields', 'sortBy', 'output'])
  const output = spec.get('output')
  if (!isDoc(output)) throw new DatabaseError(40414, "BSON field '$fill.output' is missing but a required field")
  if (spec.has('partitionBy') && spec.has('partitionByFields')) {
    throw new DatabaseError(6050204, "Maximum one of 'partitionBy' and 'partitionByFields can be specified in '$fill'")
  }
  const values: Doc = new Map()
  const methods: Doc = new Map()
  for (const [path, how] of output) {
    const value = isDoc(how) ? how.get('value') : undefined
    const method = isDoc(how) ? how.get('method') : undefined
    if ((value === undefined) === (method === undefined)) {
      throw new DatabaseError(
        40415,
        `Each fill output specification must have exactly one of 'value' and 'method' fields: ${path}`,
      )
    }
    if (value !== undefined) values.set(path, new Map([['$ifNull', [`$${path}`, value]]]))
    else if (method === 'locf') methods.set(path, new Map([['$locf', `$${path}`]]))
    else if (method === 'linear') methods.set(path, new Map([['$linearFill', `$${path}`]]))
    else throw new DatabaseError(6050202, 'Method must be either locf or linear')
  }
  if (methods.size > 0 && !spec.has('sortBy')) {
    throw new DatabaseError(6050203, "'sortBy' must be specified when using a method in $fill")
  }
  const addValues = values.size === 0 ? undefined : compileStageProjection(values, env, '$addFields')
  if (methods.size === 0) return (input) => mapDocs(input, addValues!)
  const window: Doc = new Map<string, Value>([['output', methods]])
  const sortBy = spec.get('sortBy')
  if (sortBy !== undefined) window.set('sortBy', sortBy)
  const partition = partitionExpression(spec)
  if (partition !== undefined) window.set('partitionBy', partition)
  const addMethods = setWindowFields(window, env, compilePipeline)
  return (input) => {
    const filled = addMethods(input)
    return addValues === undefined ? filled : mapDocs(filled, addValues)
  }
}

function partitionExpression(spec: Doc): Value | undefined {
  const fields = spec.get('partitionByFields')
  if (fields === undefined) return spec.get('partitionBy')
  if (!Array.isArray(fields))
    throw new DatabaseError(14, "BSON field '$fill.partitionByFields' is the wrong type, expected type 'array'")
  return fields
    .map((field) => {
      if (typeof field !== 'string' || field.startsWith('$')) {
        throw new DatabaseError(
          6050201,
          `Each partition field must be a string that does not start with a '$': ${field}`,
        )
      }
      return new Map<string, Value>([['$ifNull', [`$${field}`, null]]])
    })
    .reduce<Doc>((result, expression, index) => result.set(`field${index}`, expression), new Map())
}
