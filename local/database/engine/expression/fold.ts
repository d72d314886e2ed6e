import { isDoc, type Value } from '../../bson/value.ts'

/** These have a value of their own for each document, though no operand names one. */
const NEVER_CONSTANT: ReadonlySet<string> = new Set(['$rand', '$meta', '$getField'])

/**
 * Tells an operator expression that reads no field and no variable: MongoDB computes it once, while it optimises, so
 * that its error shows even where no document comes by or another branch is taken.
 */
export function isConstant(expression: Value): boolean {
  if (typeof expression === 'string') return !expression.startsWith('$')
  if (Array.isArray(expression)) return expression.every(isConstant)
  if (!isDoc(expression)) return true
  for (const [name, operand] of expression) {
    if (name === '$literal') continue
    if (NEVER_CONSTANT.has(name) || !isConstant(operand)) return false
  }
  return true
}
