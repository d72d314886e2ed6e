import type { Expression } from '../../schemas/app/definition.ts'

/**
 * True when an expression gives the same answer for every document of a request: no plain key, no expansion of a
 * document or field, outside or inside the arguments of a function.
 */
export function isDocumentIndependent(expression: Expression | null | undefined): boolean {
  return expression === null || expression === undefined || typeof expression === 'boolean' || isIndependent(expression)
}

const documentExpansion = /^%%(?:root|prevRoot|this|prev)(?:\.|$)/

function isIndependent(part: unknown): boolean {
  if (typeof part === 'string') return !documentExpansion.test(part)
  if (Array.isArray(part)) return part.every(isIndependent)
  if (typeof part !== 'object' || part === null) return true
  return Object.entries(part).every(([key, value]) => {
    if (key === '%function' || key === '$function') return isIndependent(Reflect.get(Object(value), 'arguments'))
    return /^[%$]/.test(key) && !documentExpansion.test(key) && isIndependent(value)
  })
}
