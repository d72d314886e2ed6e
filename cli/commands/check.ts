import path from 'node:path'
import { type CheckReport, checkApp, type FileStatus } from '../check/index.ts'
import { type Command, optionalOption, UsageError } from '../command.ts'

const statusWords: Readonly<Record<FileStatus, string>> = {
  runs: 'runs',
  partly: 'runs in part',
  fails: 'will not run',
  ignored: 'ignored',
}

function reportText({ app, files, summary }: CheckReport): string {
  const lines = [`${app.name} (${app.clientAppId}), environment "${app.environment}"`, '']
  for (const { file, status, holds, findings } of files) {
    lines.push(`${file}: ${statusWords[status]}${holds === file ? '' : ` (${holds})`}`)
    for (const { severity, line, message, mend } of findings)
      lines.push(`  ${severity}${line === undefined ? '' : ` line ${line}`}: ${message}`, `    mend: ${mend}`)
  }
  lines.push(
    '',
    `${summary.functionsThatRun} of ${summary.functions} functions run, ${summary.endpoints} endpoints, ${summary.triggers} triggers; ` +
      `${summary.error} errors, ${summary.warning} warnings`,
  )
  return lines.join('\n')
}

export const command: Command = {
  name: 'check',
  summary: 'Says for every file of an app folder what will run, what will not, why, and the mend',
  usage: 'DIR [--secrets FILE] [--environment NAME] [--json]',
  options: { environment: { type: 'string' } },
  async run(context) {
    if (context.positionals.length > 1)
      throw new UsageError(`check takes one folder, not ${context.positionals.length}`)
    const [dir] = context.positionals
    const environment = optionalOption(context, 'environment')
    const report = await checkApp({
      appDir: dir === undefined ? context.appDir : path.resolve(dir),
      progress: context.progress,
      ...(environment === undefined ? {} : { environment }),
      ...(context.values.secrets === undefined ? {} : { secrets: new Set(Object.keys(context.secrets)) }),
    })
    context.output(report, reportText(report))
    return report.ok ? 0 : 1
  },
}
