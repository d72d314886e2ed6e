import { readFileSync } from 'node:fs'
import path from 'node:path'
import { isJsonObject } from '../../schemas/app/json.ts'

/** Why a package in JavaScript does not work on workerd, and what to take instead. */
interface Unsuitable {
  /** First major version that does not work; default: all. */
  readonly since?: number
  readonly reason: string
  readonly mend: string
}

/** Packages that load or bundle and then fail in workerd 1.20260730, each seen doing so. */
const unsuitable: Readonly<Record<string, Unsuitable>> = {
  got: {
    since: 12,
    reason: 'it reaches for parts of TLS sockets that Workers do not have',
    mend: 'use got 11, axios or context.http',
  },
  pdfkit: { reason: 'it reads its fonts from files, which a Worker does not have', mend: 'use the package "pdf-lib"' },
  sharp: { reason: 'it is native code', mend: 'use a service that transforms images' },
  undici: { reason: 'it compiles WebAssembly when it is called', mend: 'use axios, node-fetch or context.http' },
  ws: { reason: 'it opens its own sockets under a request', mend: 'use the HTTP interface of that service' },
}

function majorVersion(folder: string, name: string): number | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(path.join(folder, 'node_modules', name, 'package.json'), 'utf8'))
    const version = isJsonObject(manifest) && typeof manifest.version === 'string' ? manifest.version : ''
    return Number.parseInt(version, 10)
  } catch {
    return undefined
  }
}

/** @param folder holds the `node_modules` that the package was found in */
export function unsuitableForWorkerd(folder: string, name: string): Unsuitable | undefined {
  const known = Object.hasOwn(unsuitable, name) ? unsuitable[name] : undefined
  if (known?.since === undefined) return known
  return (majorVersion(folder, name) ?? 0) >= known.since ? known : undefined
}
