const emptyClosed = { read: false, write: false }

/**
 * What stands in for a permission that cannot be read. Always the closed form: an absent permission may grant, so
 * removing the odd one would open what its author meant to guard.
 */
export function closedExpression(path: readonly PropertyKey[]): unknown {
  const key = path.at(-1)
  switch (key) {
    case 'can_evaluate':
    case 'apply_when':
    case 'read':
    case 'write':
    case 'insert':
    case 'delete':
    case 'search':
      return false
    case 'document_filters':
    case 'additional_fields':
      return { ...emptyClosed }
    case 'fields':
      return {}
    case 'name':
      return undefined
    default:
      return path.at(-2) === 'fields' ? { ...emptyClosed } : undefined
  }
}
