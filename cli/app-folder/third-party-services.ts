import type { DataSource } from '../../schemas/app/definition.ts'
import { isJsonObject } from '../../schemas/app/json.ts'
import { Findings } from './finding.ts'
import { FolderReader } from './folder-reader.ts'

/** Folders that hold one folder for each third-party service; those of endpoints hold services of type `http` alone. */
const serviceFolders: readonly { folder: string; defaultType: string | undefined }[] = [
  { folder: 'services', defaultType: undefined },
  { folder: 'http_endpoints', defaultType: 'http' },
  { folder: 'https_endpoints', defaultType: 'http' },
]

const dataSourceTypes = new Set(['mongodb-atlas', 'mongodb', 'datalake'])

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/**
 * Third-party services, type by name (spec: app folder 1). The root of a whole project may have a folder `services` of
 * its own: only what has a `config.json` with a type, or webhooks, is a service.
 */
export async function readThirdPartyServices(
  reader: FolderReader,
  dataSources: readonly DataSource[],
): Promise<Record<string, string>> {
  const services = new Map<string, string>()
  const unreported = new FolderReader(reader.dir, new Findings())
  for (const { folder, defaultType } of serviceFolders)
    for (const entry of await reader.list(folder)) {
      if (!entry.isFolder) continue
      const dir = `${folder}/${entry.name}`
      const file = `${dir}/config.json`
      const content = await unreported.json(file)
      const config = content.state === 'read' && isJsonObject(content.value) ? content.value : {}
      const hasHooks = (await reader.list(`${dir}/incoming_webhooks`)).length > 0
      const type = text(config.type) ?? defaultType ?? (hasHooks ? 'http' : undefined)
      if (type === undefined) continue
      if (content.state === 'broken') await reader.json(file)
      const name = text(config.name) ?? entry.name
      const isTaken = services.has(name) || dataSources.some((source) => source.name === name)
      if (dataSourceTypes.has(type)) reportDataSource(reader, file, name, isTaken)
      else if (isTaken)
        reader.findings.add('error', 'service-name-twice', {
          file,
          subject: name,
          message: `another service is named "${name}"; this one is left out`,
          mend: 'give it a name of its own',
        })
      else {
        services.set(name, type)
        reader.origins.setService(name, dir)
      }
    }
  return Object.fromEntries(services)
}

/** Older layouts kept the cluster among the services. */
function reportDataSource(reader: FolderReader, file: string, name: string, isThere: boolean): void {
  if (isThere) return
  reader.findings.add('error', 'data-source-elsewhere', {
    file,
    subject: name,
    message: `"${name}" is a data source, and those are read from data_sources/ only`,
    mend: `move it to data_sources/${name}/config.json`,
  })
}
