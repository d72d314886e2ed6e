import { type Doc, isDoc, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { compileExpression } from '../expression/compile.ts'
import { shown } from '../expression/define.ts'
import { type CompileStage, checkFields, pipelineOf, specDoc } from './stage.ts'

const NOT_IN_FACET = new Set([
  '$facet',
  '$out',
  '$merge',
  '$geoNear',
  '$collStats',
  '$indexStats',
  '$documents',
  '$changeStream',
  '$planCacheStats',
])

/** `$facet`: several pipelines over the same documents. */
export const facet: CompileStage = (specValue, env, compilePipeline) => {
  const spec = specDoc(
    '$facet',
    specValue,
    40169,
    `the $facet specification must be a non-empty object, but found: ${shown(specValue)}`,
  )
  if (spec.size === 0)
    throw new DatabaseError(40169, 'the $facet specification must be a non-empty object, but found: {}')
  const facets = Array.from(spec, ([name, value]) => {
    if (!Array.isArray(value))
      throw new DatabaseError(40170, `arguments to $facet must be arrays, ${name} is type ${typeName(value)}`)
    if (name.startsWith('$'))
      throw new DatabaseError(
        16410,
        "FieldPath field names may not start with '$'. Consider using $getField or $setField.",
      )
    if (name.includes('.'))
      throw new DatabaseError(
        16412,
        "FieldPath field names may not contain '.'. Consider using $getField or $setField.",
      )
    const pipeline = pipelineOf(value, name)
    for (const stage of pipeline) {
      const stageName = stage.keys().next().value
      if (stageName !== undefined && NOT_IN_FACET.has(stageName)) {
        throw new DatabaseError(40600, `${stageName} is not allowed to be used within a $facet stage`)
      }
    }
    return { name, run: compilePipeline(pipeline, env) }
  })
  return function* (input) {
    const docs = Array.from(input)
    const result: Doc = new Map()
    for (const { name, run } of facets) result.set(name, Array.from(run(docs)))
    yield result
  }
}

/** `$unionWith`: the documents of another collection after these. */
export const unionWith: CompileStage = (specValue, env, compilePipeline) => {
  let collection: Value | undefined = specValue
  let pipeline: Doc[] = []
  if (isDoc(specValue)) {
    checkFields('$unionWith', specValue, ['coll', 'pipeline'])
    collection = specValue.get('coll')
    if (specValue.has('pipeline')) pipeline = pipelineOf(specValue.get('pipeline'), "'pipeline' option")
    if (collection === undefined && !pipeline[0]?.has('$documents')) {
      throw new DatabaseError(
        9,
        '$unionWith stage without explicit collection must have a pipeline with $documents as first stage',
      )
    }
  } else if (typeof specValue !== 'string') {
    throw new DatabaseError(
      9,
      `the $unionWith stage specification must be an object or string, but found ${typeName(specValue)}`,
    )
  }
  for (const stage of pipeline) {
    if (stage.has('$out') || stage.has('$merge')) {
      throw new DatabaseError(31441, `${stage.keys().next().value} is not allowed within a $unionWith's sub-pipeline`)
    }
  }
  const run = compilePipeline(pipeline, env)
  return function* (input) {
    yield* input
    yield* run(typeof collection === 'string' ? env.collection(collection) : [])
  }
}

/** `$documents`: literal documents as the source. */
export const documents: CompileStage = (spec, env) => {
  const evaluate = compileExpression(spec, env)
  return function* () {
    const value = evaluate(new Map())
    if (!Array.isArray(value)) {
      throw new DatabaseError(5858203, `an array is expected as argument to $documents`)
    }
    for (const item of value) {
      if (!isDoc(item))
        throw new DatabaseError(40228, `$documents: each element must be an object, but found ${typeName(item)}`)
      yield item
    }
  }
}
