import type { AppDefinition } from '../../schemas/app/definition.ts'
import type { Findings } from '../app-folder/finding.ts'
import type { FolderReader } from '../app-folder/folder-reader.ts'
import type { Origins } from '../app-folder/origins.ts'

/** What to write instead of a third-party service, by its type; they ended with App Services. */
const replacements: Readonly<Record<string, string>> = {
  aws: 'require the package of that AWS service, such as "@aws-sdk/client-s3", with the access keys in values from secrets',
  'aws-s3': 'require "@aws-sdk/client-s3", with the access keys in values from secrets',
  'aws-ses': 'require "@aws-sdk/client-ses", with the access keys in values from secrets',
  gcm: 'send with context.http.post to the HTTP v1 API of Firebase Cloud Messaging',
  github: 'receive with an HTTPS endpoint, call with context.http or "@octokit/request"',
  twilio: 'require the package "twilio", or send with context.http.post to its API, the token in a value from a secret',
}

export function replacementOf(type: string): string {
  return Object.hasOwn(replacements, type) ? (replacements[type] ?? '') : 'use context.http or an npm package'
}

/** Third-party services and their webhooks: what of them runs, and what to write instead. */
export async function checkThirdPartyServices(
  app: AppDefinition,
  origins: Origins,
  reader: FolderReader,
  findings: Findings,
): Promise<void> {
  for (const [name, type] of Object.entries(app.thirdPartyServices ?? {})) {
    const file = origins.service(name)
    const place = { file, subject: name }
    const isHttp = type === 'http'
    if ((await reader.list(`${file}/incoming_webhooks`)).length > 0)
      findings.add('error', 'third-party-service', {
        ...place,
        message: `the webhooks of the third-party service "${name}" are not served`,
        mend: 'make each webhook an HTTPS endpoint: its source as a function, its route in http_endpoints/config.json',
      })
    else
      findings.add('info', 'third-party-service', {
        ...place,
        message: isHttp
          ? `the service "${name}" of type "http" ended; in functions context.http stands in for it`
          : `the service "${name}" of type "${type}" ended; each action of it answers ServiceTypeNotFound`,
        mend: isHttp ? 'call context.http' : replacementOf(type),
      })
    if (isHttp && (await reader.list(`${file}/rules`)).length > 0)
      findings.add('warning', 'service-rules', {
        file: `${file}/rules`,
        subject: name,
        message: `the rules of the service "${name}" are not enforced: its functions reach any public address`,
        mend: 'check in the function what it calls, where a caller chooses the address',
      })
  }
}
