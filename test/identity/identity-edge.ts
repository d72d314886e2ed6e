import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { bundleWorker } from '../../cli/build/bundle.ts'
import { loadBuiltApp } from '../../cli/built-app.ts'
import { startNodeEdge } from '../../edge/node.ts'
import { startWorkerEdge } from '../../local/worker-host.ts'
import type { EdgeSettingsInput } from '../../schemas/edge-settings.ts'

export const identityFolder = path.resolve(import.meta.dirname, '../fixtures/apps/identity')
export const identityApp = 'identity-abcde'
export const hostKinds = ['node', 'workerd'] as const
export type HostKind = (typeof hostKinds)[number]

export const identitySecrets = {
  EDGE_SIGNING_KEY: 'identity-tests-identity-tests-00',
  hook_secret: 'a secret that signs the calls of a hook',
}

export interface IdentityEdge {
  readonly url: string
  /** Every line that the edge has logged. */
  readonly lines: readonly string[]
  close(): Promise<void>
}

let bundle: Promise<{ outFile: string; outDir: string }> | undefined

/** The Worker of the app, bundled once for a test file. */
function bundleOnce() {
  bundle ??= (async () => {
    const outDir = await mkdtemp(path.join(os.tmpdir(), 'identity-bundle-'))
    const entry = path.resolve(import.meta.dirname, '../../edge/worker.ts')
    const { outFile } = await bundleWorker({ appDir: identityFolder, entry, outDir })
    return { outFile, outDir }
  })()
  return bundle
}

export async function removeBundle(): Promise<void> {
  if (bundle !== undefined) await rm((await bundle).outDir, { recursive: true, force: true })
  bundle = undefined
}

/** The app `identity` on one host, with what it logs. */
export async function startIdentityEdge(
  kind: HostKind,
  uri: string,
  settings: EdgeSettingsInput = {},
): Promise<IdentityEdge> {
  const lines: string[] = []
  if (kind === 'node') {
    const { built } = await loadBuiltApp(identityFolder)
    const log = (entry: object) => void lines.push(JSON.stringify(entry))
    const edge = await startNodeEdge({ built, uri, port: 0, secrets: identitySecrets, settings, log })
    return { url: edge.url, lines, close: () => edge.close() }
  }
  const { outFile } = await bundleOnce()
  const onLog = (line: string) => void lines.push(line)
  const edge = await startWorkerEdge({ bundle: outFile, uri, port: 0, secrets: identitySecrets, settings, onLog })
  return { url: edge.url, lines, close: () => edge.close() }
}
