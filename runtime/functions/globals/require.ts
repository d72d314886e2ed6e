import type { BuiltApp } from '../../function-module.ts'

/**
 * `require` of functions: packages and Node built-ins that the build found, with or without the `node:` prefix.
 *
 * @throws {Error} naming the package when the build did not find it
 */
export function createRequire(packages: BuiltApp['packages']): (specifier: string) => unknown {
  return (specifier) => {
    const name = String(specifier)
    const known = [name, `node:${name}`, name.replace(/^node:/, '')].find((key) => Object.hasOwn(packages, key))
    const load = known === undefined ? undefined : packages[known]
    if (load === undefined) {
      const hint = /^\.{0,2}\//.test(name)
        ? 'files cannot be required, only packages: call other functions with context.functions.execute()'
        : 'add it to functions/package.json and build again'
      throw new Error(`Cannot find module '${name}': ${hint}`)
    }
    return load()
  }
}
