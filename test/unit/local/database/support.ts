import { deserialize, EJSON } from 'bson'
import { encodeDocument } from '../../../../local/database/bson/codec.ts'
import { type Doc, toDoc, toValue, type Value } from '../../../../local/database/bson/value.ts'
import type { PipelineEnv } from '../../../../local/database/engine/env.ts'
import { runPipeline } from '../../../../local/database/engine/stage/pipeline.ts'
import { DatabaseError } from '../../../../local/database/errors.ts'

/** A value as canonical Extended JSON: types and key order count. */
export function show(value: Value | undefined): string {
  if (value === undefined) return 'missing'
  const bytes = encodeDocument(new Map([['value', value]]))
  const parsed = deserialize(bytes, { promoteValues: false, promoteLongs: false, bsonRegExp: true })
  return EJSON.stringify(parsed.value, { relaxed: false })
}

/** As `show`, of what the driver would send for a JavaScript value. */
export function shown(plain: unknown): string {
  return plain === undefined ? 'missing' : show(toValue(plain))
}

/** The result of `run`, or the error as `code text`. */
export function outcome(run: () => string): string {
  try {
    return run()
  } catch (error) {
    if (error instanceof DatabaseError) return `${error.code} ${error.message}`
    throw error
  }
}

/** An environment whose clock and dice stand still, over collections given as plain documents. */
export function createEnv(collections: Readonly<Record<string, readonly object[]>> = {}): PipelineEnv {
  return {
    now: new Date('2024-05-06T07:08:09.010Z'),
    random: () => 0.5,
    db: 'test',
    collection: (name) => (collections[name] ?? []).map((plain) => toDoc(plain)),
  }
}

export function aggregate(
  docs: readonly object[],
  pipeline: readonly object[],
  collections: Readonly<Record<string, readonly object[]>> = {},
): Doc[] {
  return Array.from(
    runPipeline(
      pipeline.map((stage) => toDoc(stage)),
      docs.map((plain) => toDoc(plain)),
      createEnv(collections),
    ),
  )
}
