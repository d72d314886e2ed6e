import type { Findings } from '../app-folder/finding.ts'
import type { PreparedApp } from '../build/index.ts'

/** Packages that are there and yet cannot go into a Worker. */
export async function checkBundling(app: PreparedApp, findings: Findings): Promise<void> {
  if (!app.packages.some((found) => found.kind === 'package')) return
  const { unbundledPackages } = await import('../build/bundle.ts')
  const unbundled = await unbundledPackages(app)
  for (const { source, script } of app.functions)
    for (const use of script?.requires ?? []) {
      const reason = use.specifier === undefined ? undefined : unbundled.get(use.specifier)
      if (reason !== undefined)
        findings.add('error', 'package-unbundled', {
          file: source.file,
          line: use.line,
          subject: source.name,
          message: `require("${use.specifier}") fails on Workers: ${reason}`,
          mend: 'use the Node entry (--host node), or another package',
        })
    }
}
