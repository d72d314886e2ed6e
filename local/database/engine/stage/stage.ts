import { type Doc, isDoc, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import type { PipelineEnv } from '../env.ts'

/** A compiled stage: documents in, documents out, lazily. */
export type Stage = (input: Iterable<Doc>) => Iterable<Doc>

/** Compiles a pipeline that stands within a stage. */
export type CompilePipeline = (pipeline: readonly Doc[], env: PipelineEnv) => Stage

export type CompileStage = (spec: Value, env: PipelineEnv, compilePipeline: CompilePipeline) => Stage

export function* mapDocs(input: Iterable<Doc>, run: (doc: Doc) => Doc): Iterable<Doc> {
  for (const doc of input) yield run(doc)
}

export function* filterDocs(input: Iterable<Doc>, keeps: (doc: Doc) => boolean): Iterable<Doc> {
  for (const doc of input) if (keeps(doc)) yield doc
}

/** The stage's specification as a document. */
export function specDoc(stage: string, spec: Value, code: number, text?: string): Doc {
  if (isDoc(spec)) return spec
  throw new DatabaseError(
    code,
    text ?? `the ${stage} stage specification must be an object, but found ${typeName(spec)}`,
  )
}

/** Refuses fields that the stage does not know. */
export function checkFields(stage: string, spec: Doc, known: readonly string[]): void {
  for (const field of spec.keys()) {
    if (!known.includes(field)) throw new DatabaseError(40415, `BSON field '${stage}.${field}' is an unknown field.`)
  }
}

/** A pipeline given as a value. */
export function pipelineOf(value: Value | undefined, what: string): Doc[] {
  if (!Array.isArray(value)) throw new DatabaseError(14, `${what} must be an array of stages`)
  return value.map((stage) => {
    if (!isDoc(stage)) throw new DatabaseError(14, "Each element of the 'pipeline' array must be an object")
    return stage
  })
}
