import { type Finding, Findings } from '../app-folder/finding.ts'
import { FolderReader } from '../app-folder/folder-reader.ts'
import type { LoadedApp } from '../app-folder/index.ts'
import { checkProviders } from './check-providers.ts'
import { checkThirdPartyServices } from './check-third-party-services.ts'

/** Parts of the platform that ended on 2025-09-30 and are not served (spec: app folder 11). */
const endedParts: Readonly<Record<string, string>> = {
  graphql: 'use the Data API, an HTTPS endpoint or a function',
  sync: 'read and write through the client API',
  hosting: 'serve the files from a static host, such as Workers assets',
}

/** What the folder holds beyond the parts that run: ended, legacy, or unsupported. */
export async function checkParts(
  dir: string,
  { definition: app, origins }: Pick<LoadedApp, 'definition' | 'origins'>,
): Promise<readonly Finding[]> {
  const findings = new Findings()
  const reader = new FolderReader(dir, new Findings())
  for (const [part, mend] of Object.entries(endedParts))
    if ((await reader.list(part)).length > 0)
      findings.add('info', 'ended-part', {
        file: part,
        subject: part,
        message: `${part} ended with App Services; the folder is ignored`,
        mend,
      })
  for (const entry of await reader.list('log_forwarders'))
    if (!entry.isFolder)
      findings.add('warning', 'log-forwarder', {
        file: `log_forwarders/${entry.name}`,
        subject: entry.name,
        message: 'logs are not forwarded; they go to standard output',
        mend: 'collect them there (Workers: wrangler tail, Logpush)',
      })
  await checkThirdPartyServices(app, origins, reader, findings)
  for (const source of app.dataSources)
    if (source.type !== 'mongodb-atlas')
      findings.add('error', 'data-source-unsupported', {
        file: `${origins.dataSource(source.name)}/config.json`,
        subject: source.name,
        message: `the data source "${source.name}" is of type "${source.type}"; using it answers an error`,
        mend: 'use a data source of type "mongodb-atlas"',
      })
  checkProviders(app, findings)
  for (const trigger of app.triggers)
    if (trigger.type === 'DATABASE' && !trigger.disabled)
      findings.add('info', 'trigger-needs-change-streams', {
        file: origins.trigger(trigger.name),
        subject: trigger.name,
        message: `trigger "${trigger.name}" needs a server with change streams${trigger.config.database === '' ? ' and, on Atlas, a dedicated tier (M10 or larger)' : ''}`,
        mend: 'use a replica set or Atlas M0/M10+; not Flex, serverless, FerretDB or a standalone server',
      })
  return findings.list
}
