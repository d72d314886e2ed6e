import path from 'node:path'
import type { Finding } from '../app-folder/index.ts'
import { bundleWorker } from '../build/bundle.ts'
import { buildOwnApp, isTypeScriptApp } from '../build/own-app.ts'
import { type Command, optionalOption } from '../command.ts'
import { repositoryRoot } from '../own-app.ts'

function relative(file: string): string {
  const shorter = path.relative(process.cwd(), file)
  return shorter.startsWith('..') || shorter === '' ? file : shorter
}

function findingLine({ severity, file, line, message, mend }: Finding): string {
  return `${severity}: ${file}${line === undefined ? '' : `:${line}`}: ${message}; ${mend}`
}

export const command: Command = {
  name: 'build',
  summary: 'Builds an app: dist/app, the App Services folder of our functions, and dist/edge, the Worker',
  usage: '[--app DIR] [--out DIR] [--environment NAME] [--minify]',
  options: { out: { type: 'string' }, environment: { type: 'string' }, minify: { type: 'boolean' } },
  async run(context) {
    const outDir = path.resolve(optionalOption(context, 'out') ?? path.join(repositoryRoot, 'dist'))
    const environment = optionalOption(context, 'environment')
    const written: string[] = []
    let appDir = context.appDir
    if (await isTypeScriptApp(appDir)) {
      const own = await buildOwnApp({ root: appDir, outDir: path.join(outDir, 'app') })
      appDir = own.outDir
      written.push(`${relative(own.outDir)}: ${own.functions.length} functions, ${own.files.length} files`)
    }
    const bundle = await bundleWorker({
      entry: path.join(repositoryRoot, 'edge', 'worker.ts'),
      appDir,
      outDir: path.join(outDir, 'edge'),
      minify: context.values.minify === true,
      progress: context.progress,
      ...(environment === undefined ? {} : { environment }),
    })
    const { definition, broken } = bundle
    written.push(
      `${relative(bundle.outFile)}: ${Math.round(bundle.bytes / 1024)} KiB, app ${definition.clientAppId}`,
      `${relative(bundle.configFile)}: npx wrangler deploy --config ${relative(bundle.configFile)}`,
    )
    const serious = bundle.findings.filter((finding) => finding.severity === 'error')
    for (const finding of serious) context.progress(findingLine(finding))
    context.output(
      {
        app: appDir === context.appDir ? null : appDir,
        worker: bundle.outFile,
        config: bundle.configFile,
        bytes: bundle.bytes,
        clientAppId: definition.clientAppId,
        functions: definition.functions.length,
        broken: Object.values(broken),
        findings: bundle.findings,
      },
      written.join('\n'),
    )
    return 0
  },
}
