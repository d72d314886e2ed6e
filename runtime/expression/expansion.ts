import type { User } from '../user.ts'
import { ExpressionError } from './expression-error.ts'
import { lookupPath } from './path.ts'
import type { ExpressionScope } from './scope.ts'

/**
 * The value of an expansion such as `%%user.custom_data.role`; undefined when its path leads nowhere.
 *
 * @throws {ExpressionError} for an expansion that does not exist
 */
export function expand(text: string, scope: ExpressionScope): unknown {
  const [name = '', ...path] = text.slice(2).split('.')
  switch (name) {
    case 'true':
      return true
    case 'false':
      return false
    case 'user':
      return lookupPath(toUserView(scope.user), path)
    case 'request':
      return expandRequest(scope, path)
    case 'values':
      return expandValue(scope, path)
    case 'environment':
      return lookupPath(scope.environment, path)
    case 'root':
      return lookupPath(scope.root, path)
    case 'prevRoot':
      return lookupPath(scope.prevRoot, path)
    case 'this':
      return lookupPath(scope.this, path)
    case 'prev':
      return lookupPath(scope.prev, path)
    case 'args':
      return lookupPath(scope.args, path)
    default:
      throw new ExpressionError(`do not know how to expand '%%${name}'`)
  }
}

function toUserView(user: User) {
  return {
    id: user.id,
    type: user.type,
    data: user.data,
    custom_data: user.custom_data,
    // The rule pages write `providerType`, the function pages `provider_type`.
    identities: user.identities.map((identity) => ({ ...identity, providerType: identity.provider_type })),
  }
}

function expandRequest({ request }: ExpressionScope, path: readonly string[]): unknown {
  const [part, header, ...rest] = path
  if (part !== 'requestHeaders' || header === undefined) return lookupPath(request, path)
  const wanted = header.toLowerCase()
  const found = Object.entries(request.requestHeaders ?? {}).find(([name]) => name.toLowerCase() === wanted)
  return lookupPath(found?.[1], rest)
}

function expandValue(scope: ExpressionScope, path: readonly string[]): unknown {
  // Names of values may hold dots, so the longest name that exists wins.
  for (let end = path.length; end > 0; end--) {
    const value = scope.value(path.slice(0, end).join('.'))
    if (value !== undefined) return lookupPath(value, path.slice(end))
  }
  return undefined
}
