import { valuesIdentical } from '../../bson/compare.ts'
import { type Doc, int, isDoc, type Value } from '../../bson/value.ts'
import type { UpdateDescription } from './draft.ts'

/**
 * The difference between two versions of a document as a change stream tells it.
 *
 * @returns `updatedFields` by dotted path (`tags.2`), `removedFields`, and `truncatedArrays` of `{ field, newSize }`
 * @see https://www.mongodb.com/docs/manual/reference/change-events/update/
 */
export function describeUpdate(before: Doc, after: Doc): UpdateDescription {
  const description: UpdateDescription = { updatedFields: new Map(), removedFields: [], truncatedArrays: [] }
  compareDocs(before, after, '', description)
  return description
}

function compareDocs(before: Doc, after: Doc, prefix: string, description: UpdateDescription): void {
  for (const name of before.keys()) if (!after.has(name)) description.removedFields.push(prefix + name)
  for (const [name, value] of after) compareValue(before.get(name), value, prefix + name, description)
}

function compareValue(before: Value | undefined, after: Value, path: string, description: UpdateDescription): void {
  if (valuesIdentical(before, after)) return
  if (isDoc(before) && isDoc(after)) compareDocs(before, after, `${path}.`, description)
  else if (Array.isArray(before) && Array.isArray(after)) compareArrays(before, after, path, description)
  else description.updatedFields.set(path, after)
}

function compareArrays(
  before: readonly Value[],
  after: readonly Value[],
  path: string,
  description: UpdateDescription,
): void {
  after.forEach((item, index) => {
    compareValue(before[index], item, `${path}.${index}`, description)
  })
  if (after.length < before.length) {
    description.truncatedArrays.push(
      new Map<string, Value>([
        ['field', path],
        ['newSize', int(after.length)],
      ]),
    )
  }
}
