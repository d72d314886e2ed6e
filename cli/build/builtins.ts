import { builtinModules } from 'node:module'

/** What App Services never had (function runtime 7); a function that asks for one gets the error it got there. */
const neverOffered = new Set([
  'child_process',
  'cluster',
  'domain',
  'readline',
  'v8',
  'vm',
  'worker_threads',
  'repl',
  'inspector',
])

const builtins = new Set(builtinModules.filter((name) => !name.startsWith('_')))

/** The bare name of a Node built-in (`fs/promises` for `node:fs/promises`), or undefined. */
export function builtinName(specifier: string): string | undefined {
  const name = specifier.replace(/^node:/, '')
  return builtins.has(name) ? name : undefined
}

/** True for a built-in that a function's own `require` may load; packages may load all of them. */
export function isOffered(name: string): boolean {
  return !neverOffered.has(name.split('/')[0] ?? name)
}

/** `lodash` of `lodash/cloneDeep`, `@scope/name` of `@scope/name/sub`. */
export function packageName(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier)
}
