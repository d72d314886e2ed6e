/** Follows a dotted path through own properties and array indexes; undefined where it ends early. */
export function lookupPath(value: unknown, path: readonly string[]): unknown {
  let current = value
  for (const step of path) current = lookupStep(current, step)
  return current
}

function lookupStep(value: unknown, step: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  if (value instanceof Map) return value.get(step)
  if (Array.isArray(value) && !/^\d+$/.test(step)) return undefined
  return Object.hasOwn(value, step) ? Reflect.get(value, step) : undefined
}
