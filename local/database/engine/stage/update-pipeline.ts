import { type Doc, isDoc, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { QueryEnv } from '../env.ts'
import { compileStageProjection } from '../projection/compile.ts'
import { entryOf } from '../table.ts'
import { compileReplaceRoot, compileReplaceWith } from './replace-root.ts'
import { unsetSpec } from './unset.ts'

type Transform = (doc: Doc) => Doc

const STAGES: Readonly<Record<string, (spec: Value, env: QueryEnv) => Transform>> = {
  $set: (spec, env) => compileStageProjection(asSpec('$set', spec), env, '$set'),
  $addFields: (spec, env) => compileStageProjection(asSpec('$addFields', spec), env, '$addFields'),
  $unset: (spec, env) => compileStageProjection(unsetSpec(spec), env, '$unset'),
  $project: (spec, env) => compileStageProjection(asSpec('$project', spec), env, '$project'),
  $replaceRoot: compileReplaceRoot,
  $replaceWith: compileReplaceWith,
}

function asSpec(stage: string, spec: Value): Doc {
  if (isDoc(spec)) return spec
  if (stage === '$project') throw new DatabaseError(15969, '$project specification must be an object')
  throw new DatabaseError(40272, `${stage} specification stage must be an object, got ${typeName(spec)}`)
}

/** The update that a pipeline of `$set`, `$unset`, `$project` and `$replaceWith` makes of a document. */
export function compileUpdatePipeline(pipeline: readonly Doc[], env: QueryEnv): Transform {
  const steps = pipeline.map((stage) => {
    const [entry] = stage
    if (entry === undefined || stage.size !== 1) {
      throw new DatabaseError(40323, 'A pipeline stage specification object must contain exactly one field.')
    }
    const [name, spec] = entry
    const compile = entryOf(STAGES, name)
    if (compile === undefined) {
      throw name.startsWith('$')
        ? new DatabaseError(72, `${name} is not allowed to be used within an update`)
        : new DatabaseError(40324, `Unrecognized pipeline stage name: '${name}'`)
    }
    return compile(spec, env)
  })
  return (doc) => steps.reduce((current, step) => step(current), doc)
}
