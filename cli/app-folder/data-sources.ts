import { dataSourceFile } from '../../schemas/app/data-source-file.ts'
import type { CollectionConfig, DataSource } from '../../schemas/app/definition.ts'
import { isJsonObject } from '../../schemas/app/json.ts'
import type { FolderReader } from './folder-reader.ts'
import { readItem } from './read-item.ts'
import { readRules } from './rules.ts'
import type { KnownSources } from './triggers.ts'

const folder = 'data_sources'

/** The data sources of the folder; one that stands in when it has none, so that functions reach a database. */
export async function readDataSources(reader: FolderReader): Promise<KnownSources> {
  const dataSources: DataSource[] = []
  const nameById = new Map<string, string>()
  for (const entry of await reader.list(folder)) {
    if (!entry.isFolder) continue
    const { source, id } = await readDataSource(reader, entry.name)
    if (dataSources.some((other) => other.name === source.name)) {
      reader.findings.add('error', 'data-source-name-twice', {
        file: `${folder}/${entry.name}/config.json`,
        subject: source.name,
        message: `another data source is named "${source.name}"; this one is left out`,
        mend: 'give it a name of its own',
      })
      continue
    }
    dataSources.push(source)
    reader.origins.setDataSource(source.name, `${folder}/${entry.name}`)
    if (id !== undefined) nameById.set(id, source.name)
  }
  if (dataSources.length === 0) {
    dataSources.push({ name: 'mongodb-atlas', type: 'mongodb-atlas', implicit: true, collections: [] })
    reader.findings.add('info', 'data-source-implicit', {
      file: folder,
      subject: 'mongodb-atlas',
      message: 'the folder has no data source; "mongodb-atlas" stands in, for functions that run as system only',
      mend: `add ${folder}/mongodb-atlas/config.json, and rules for what users may reach`,
    })
  }
  return { dataSources, nameById }
}

async function readDataSource(reader: FolderReader, name: string): Promise<{ source: DataSource; id?: string }> {
  const base = `${folder}/${name}`
  const file = `${base}/config.json`
  const content = await reader.json(file)
  const parsed =
    content.state === 'read'
      ? readItem(dataSourceFile, content.value, { findings: reader.findings, file, subject: `data source "${name}"` })
      : undefined
  if (content.state === 'missing' || (parsed !== undefined && !parsed.name))
    reader.findings.add('warning', 'data-source-without-name', {
      file,
      subject: name,
      message: `the data source has no ${content.state === 'missing' ? 'config.json' : 'name'}; "${name}" is used`,
      mend: `write {"name": "${name}", "type": "mongodb-atlas", "config": {"clusterName": "Cluster0"}}`,
    })
  const collections: CollectionConfig[] = []
  for (const database of await reader.list(base)) {
    if (!database.isFolder) continue
    for (const collection of await reader.list(`${base}/${database.name}`)) {
      if (!collection.isFolder) continue
      const read = await readCollection(reader, base, database.name, collection.name)
      const twin = collections.find((other) => other.database === read.database && other.collection === read.collection)
      if (twin === undefined) collections.push(read)
      else reportTwin(reader, `${base}/${database.name}/${collection.name}`, read)
    }
  }
  const defaultFile = `${base}/default_rule.json`
  const defaultContent = await reader.json(defaultFile)
  const defaultRule =
    defaultContent.state === 'read' ? readRules(reader, defaultFile, defaultContent.value)?.rules : undefined
  const { clusterName, readPreference } = parsed?.config ?? {}
  return {
    source: {
      name: parsed?.name || name,
      type: parsed?.type || 'mongodb-atlas',
      ...(clusterName === undefined ? {} : { clusterName }),
      ...(readPreference === undefined ? {} : { readPreference }),
      ...(defaultRule === undefined ? {} : { default_rule: defaultRule }),
      collections,
    },
    ...(parsed?.id === undefined ? {} : { id: parsed.id }),
  }
}

async function readCollection(
  reader: FolderReader,
  base: string,
  databaseFolder: string,
  collectionFolder: string,
): Promise<CollectionConfig> {
  const dir = `${base}/${databaseFolder}/${collectionFolder}`
  const rulesFile = `${dir}/rules.json`
  const content = await reader.json(rulesFile)
  const read = content.state === 'read' ? readRules(reader, rulesFile, content.value) : undefined
  // The namespace inside the file counts: it is what the servers of realm-cli trusted, and the only place where an
  // environment can choose the database (spec: app folder 5).
  const database = read?.database || databaseFolder
  const collection = read?.collection || collectionFolder
  if (database !== databaseFolder || collection !== collectionFolder)
    reader.findings.add('warning', 'namespace-mismatch', {
      file: rulesFile,
      subject: `${database}.${collection}`,
      message: `the file says "${database}.${collection}", its folder "${databaseFolder}.${collectionFolder}"`,
      mend: 'make both equal; the file counts until then',
    })
  if (content.state === 'read' && isJsonObject(content.value) && Object.keys(content.value).length === 0)
    reader.findings.add('warning', 'rules-empty', {
      file: rulesFile,
      subject: `${database}.${collection}`,
      message: 'rules file cannot be empty',
      mend: `write {"database": "${database}", "collection": "${collection}", "roles": []}, or remove the file`,
    })
  const schemaFile = `${dir}/schema.json`
  const schemaContent = await reader.json(schemaFile)
  const schema = schemaContent.state === 'read' && isJsonObject(schemaContent.value) ? schemaContent.value : undefined
  const hasRules = read !== undefined && (read.rules.roles.length > 0 || read.rules.filters.length > 0)
  // A file that is there and cannot be read must not fall back to the default rule, which may be wider.
  const closed = content.state === 'broken' || (content.state === 'read' && read === undefined)
  return {
    database,
    collection,
    ...(hasRules ? { rules: read.rules } : closed ? { rules: closedRules } : {}),
    ...(schema === undefined ? {} : { schema }),
  }
}

const closedRules = { roles: [{ name: 'unreadable rules', apply_when: false }], filters: [] }

function reportTwin(reader: FolderReader, dir: string, twin: CollectionConfig): void {
  reader.findings.add('error', 'namespace-twice', {
    file: `${dir}/rules.json`,
    subject: `${twin.database}.${twin.collection}`,
    message: `another folder holds the rules of "${twin.database}.${twin.collection}"; this one is left out`,
    mend: 'name each collection in one folder only',
  })
}
