import path from 'node:path'
import type { Findings } from '../app-folder/finding.ts'
import { packageName } from '../build/builtins.ts'
import type { PreparedApp } from '../build/index.ts'
import { unsuitableForWorkerd } from '../build/workerd-packages.ts'
import { repositoryRoot } from '../own-app.ts'

/**
 * Size of a Worker after compression, in bytes, by plan of Workers. Captures of the limits page differ (1/10 MB, 3/10 MB,
 * lately 64 MiB for both): the lower ones warn in time.
 */
const planLimits = [
  { plan: 'paid', bytes: 10_000_000 },
  { plan: 'free', bytes: 3_000_000 },
] as const

/** Packages that are there and yet cannot go into a Worker, or not work in it; and what they weigh. */
export async function checkBundling(app: PreparedApp, findings: Findings): Promise<void> {
  if (!app.packages.some((found) => found.kind === 'package')) return
  const { measureWorker, unbundledPackages } = await import('../build/bundle.ts')
  const unbundled = await unbundledPackages(app)
  const found = new Map(app.packages.map((resolved) => [resolved.specifier, resolved]))
  for (const { source, script } of app.functions)
    for (const use of script?.requires ?? []) {
      if (use.specifier === undefined) continue
      const place = { file: source.file, line: use.line, subject: source.name }
      const reason = unbundled.get(use.specifier)
      if (reason !== undefined)
        findings.add('error', 'package-unbundled', {
          ...place,
          message: `require("${use.specifier}") fails on Workers: ${reason}`,
          mend: 'use the Node entry (--host node), or another package',
        })
      const resolved = found.get(use.specifier)
      if (resolved?.kind !== 'package' || resolved.native || reason !== undefined) continue
      const unsuitable = unsuitableForWorkerd(resolved.folder, packageName(use.specifier))
      if (unsuitable !== undefined)
        findings.add('error', 'package-unsuitable', {
          ...place,
          message: `the package "${use.specifier}" fails on Workers: ${unsuitable.reason}`,
          mend: `${unsuitable.mend}, or use the Node entry (--host node)`,
        })
    }
  const smallest = Math.min(...planLimits.map(({ bytes }) => bytes))
  const size = await measureWorker(app, path.join(repositoryRoot, 'edge', 'worker.ts'), smallest)
  const limit = planLimits.find(({ bytes }) => size.compressedBytes > bytes)
  if (limit === undefined) return
  const largest = size.packages.slice(0, 3).map(({ name, bytes }) => `"${name}" ${megabytes(bytes)}`)
  findings.add('warning', 'worker-large', {
    file: 'functions/package.json',
    subject: 'Worker',
    message:
      `the Worker has ${megabytes(size.compressedBytes)} after compression (${megabytes(size.bytes)} before: ` +
      `${largest.join(', ')}), and the ${limit.plan} plan of Workers takes ${megabytes(limit.bytes)}`,
    mend: 'require a part of a package instead of the whole ("@googleapis/sheets" for "googleapis"), build with --minify, or use the Node entry (--host node)',
  })
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}
