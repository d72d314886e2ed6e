import { type Doc, isDoc, type Value } from '../../bson/value.ts'

export interface Correlation {
  /** The variable that the joined field equals. */
  readonly variable: string
  readonly path: string
  /** The pipeline that decides what the joined documents become; the equality is kept in it. */
  readonly rest: readonly Doc[]
}

function equality(expression: Value, variables: readonly string[]): { path: string; variable: string } | undefined {
  if (!isDoc(expression)) return undefined
  const all = expression.get('$and')
  if (Array.isArray(all)) {
    for (const item of all) {
      const found = equality(item, variables)
      if (found) return found
    }
    return undefined
  }
  const sides = expression.get('$eq')
  if (!Array.isArray(sides) || sides.length !== 2) return undefined
  for (const [field, variable] of [sides, sides.toReversed()]) {
    if (typeof field !== 'string' || typeof variable !== 'string') continue
    const name = variable.slice(2)
    if (!/^\$[^$]/.test(field) || !variable.startsWith('$$') || !variables.includes(name)) continue
    return { path: field.slice(1), variable: name }
  }
  return undefined
}

/**
 * The equality between a field and a variable in a joined pipeline's first `$match`, by which its documents can be found
 * without reading the whole collection for each input.
 */
export function correlation(pipeline: readonly Doc[], variables: readonly string[]): Correlation | undefined {
  const filter = pipeline[0]?.get('$match')
  const expression = isDoc(filter) ? filter.get('$expr') : undefined
  const found = expression === undefined ? undefined : equality(expression, variables)
  return found && { ...found, rest: pipeline }
}
