import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { isJsonObject } from '../../schemas/app/json.ts'

/** What packages with native code depend on to find or build it. */
const nativeTools = [
  'bindings',
  'node-gyp-build',
  'node-pre-gyp',
  '@mapbox/node-pre-gyp',
  'prebuild-install',
  'nan',
  'node-addon-api',
]

/**
 * Packages in JavaScript with the interface of a native one. They are installed beside it, since `--ignore-scripts`
 * leaves the native one unbuilt and workerd could not load it anyway.
 */
export const substitutes: Readonly<Record<string, string>> = { bcrypt: 'bcryptjs' }

/** True for a package that needs compiled code: workerd cannot run it. */
export function isNativePackage(folder: string, name: string): boolean {
  const dir = path.join(folder, 'node_modules', name)
  if (existsSync(path.join(dir, 'binding.gyp'))) return true
  try {
    const manifest: unknown = JSON.parse(readFileSync(path.join(dir, 'package.json'), 'utf8'))
    if (!isJsonObject(manifest)) return false
    const dependencies = isJsonObject(manifest.dependencies) ? Object.keys(manifest.dependencies) : []
    return manifest.gypfile === true || dependencies.some((dependency) => nativeTools.includes(dependency))
  } catch {
    return false
  }
}
