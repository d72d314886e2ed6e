import { type Doc, isDoc } from '../../bson/value.ts'
import type { Collection } from '../../storage/collection.ts'

/** The pipeline of a view. */
export function viewPipeline(collection: Collection): { on: string; pipeline: Doc[] } | undefined {
  const on = collection.options.get('viewOn')
  const pipeline = collection.options.get('pipeline')
  if (typeof on !== 'string') return undefined
  return { on, pipeline: Array.isArray(pipeline) ? pipeline.filter(isDoc) : [] }
}
