import { createHash } from 'node:crypto'
import path from 'node:path'
import type { AppDefinition, EnvironmentTag } from '../../schemas/app/definition.ts'
import { isJsonObject } from '../../schemas/app/json.ts'
import { type MetaFile, metaFile, type RootFile, rootFile } from '../../schemas/app/root-file.ts'
import { AppFolderError } from './app-folder-error.ts'
import { environmentTags, parseEnvironmentTag } from './environment.ts'
import type { FolderReader } from './folder-reader.ts'
import { readItem } from './read-item.ts'

/** The two versions share one layout (spec: real apps 1); 0 or none is what the newest exports have. */
const servedVersions: readonly (number | undefined)[] = [undefined, 0, 20210101, 20230101]
const legacyVersions: readonly number[] = [20180301, 20200603]
const hex24 = /^[0-9a-f]{24}$/i

/** Files that only an App Services app has: enough to serve one whose root file was not kept. */
const appFolderMarks = [
  'functions/config.json',
  'http_endpoints/data_api_config.json',
  'https_endpoints/data_api_config.json',
]

const rootFiles = ['root_config.json', 'realm_config.json']

export interface Root {
  /** Relative path of the root file; undefined when the folder has none. */
  readonly file: string | undefined
  readonly content: RootFile
  readonly meta: MetaFile
}

function legacyLayout(version: number, file: string): AppFolderError {
  return new AppFolderError(
    `${file}: config version ${version} is a layout that is not served; ` +
      'export the app again as version 20210101 (realm-cli 2.x: realm-cli pull) and use that folder',
  )
}

async function refuseLegacy(reader: FolderReader): Promise<void> {
  const names = new Set((await reader.list('.')).map((entry) => entry.name))
  if (names.has('stitch.json')) throw legacyLayout(20180301, 'stitch.json')
  if (!names.has('config.json')) return
  const content = await reader.json('config.json')
  if (content.state !== 'read' || !isJsonObject(content.value)) return
  if (content.value.config_version === 20200603 || typeof content.value.app_id === 'string')
    throw legacyLayout(20200603, 'config.json')
}

/** Folders up to two levels down that hold a root file: many apps live in a folder of their repository. */
async function appsBelow(reader: FolderReader): Promise<string[]> {
  const foldersIn = async (folder: string) =>
    (await reader.list(folder))
      .filter(({ name, isFolder }) => isFolder && !name.startsWith('.') && name !== 'node_modules')
      .map(({ name }) => path.join(folder, name))
  const first = await foldersIn('.')
  const second = await Promise.all(first.map(foldersIn))
  const isApp = async (folder: string) =>
    (await Promise.all(rootFiles.map((file) => reader.text(path.join(folder, file))))).some(
      (text) => text !== undefined,
    )
  const folders = [...first, ...second.flat()]
  const found = await Promise.all(folders.map(isApp))
  return folders.filter((_, index) => found[index])
}

/** The root file, `root_config.json` before `realm_config.json`, and the link to the deployed app. */
export async function readRoot(reader: FolderReader): Promise<Root> {
  const meta: MetaFile = {}
  for (const file of ['.mdb/app_meta.json', '.mdb/meta.json']) {
    const content = await reader.json(file)
    if (content.state !== 'read') continue
    const parsed = readItem(metaFile, content.value, { findings: reader.findings, file, subject: 'app link' })
    for (const [key, value] of Object.entries(parsed ?? {}))
      if (value !== undefined) Object.assign(meta, { [key]: value })
  }
  for (const file of rootFiles) {
    const text = await reader.text(file)
    if (text === undefined) continue
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      const reason = error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : 'unknown reason'
      throw new AppFolderError(`${file} is not valid JSON (${reason}); correct it, or export the app again`)
    }
    if (!isJsonObject(value)) throw new AppFolderError(`${file} must hold one JSON object; export the app again`)
    const content: RootFile = readItem(rootFile, value, { findings: reader.findings, file, subject: 'app' }) ?? {}
    const version = content.config_version
    if (version !== undefined && legacyVersions.includes(version)) throw legacyLayout(version, file)
    if (!servedVersions.includes(version))
      reader.findings.add('warning', 'config-version-unknown', {
        file,
        message: `config_version ${version} is unknown; read as 20210101`,
        mend: 'export the app again as version 20210101 or 20230101',
      })
    return { file, content, meta }
  }
  await refuseLegacy(reader)
  const marks = await Promise.all(appFolderMarks.map(async (mark) => (await reader.text(mark)) !== undefined))
  if (!marks.includes(true)) {
    const below = await appsBelow(reader)
    const mend =
      below.length > 0
        ? `Give the folder with one inside: --app ${path.join(reader.dir, below[0] ?? '')}` +
          (below.length > 1 ? ` (or ${below.slice(1, 4).join(', ')})` : '')
        : 'Give the folder of an exported app with --app, or write one: atlas-edge init DIR --app-id NAME-XXXXX'
    throw new AppFolderError(
      `${reader.dir} is no App Services app: it has neither root_config.json nor realm_config.json. ${mend}`,
    )
  }
  reader.findings.add('warning', 'root-file-missing', {
    file: 'realm_config.json',
    message: 'the folder has neither root_config.json nor realm_config.json; served under a name made of the folder',
    mend: 'add realm_config.json with at least {"config_version": 20210101, "name": "...", "app_id": "..."}',
  })
  return { file: undefined, content: {}, meta }
}

/** The environment that was asked for, else the root file's. @throws {AppFolderError} for an unknown one asked for */
export function environmentOf(root: Root, asked: string | undefined, reader: FolderReader): EnvironmentTag {
  if (asked !== undefined) {
    const tag = parseEnvironmentTag(asked)
    if (tag !== undefined) return tag
    throw new AppFolderError(
      `unknown environment "${asked}"; use one of ${environmentTags.map((name) => (name === '' ? 'none' : name)).join(', ')}`,
    )
  }
  const tag = parseEnvironmentTag(root.content.environment ?? '')
  if (tag !== undefined) return tag
  reader.findings.add('warning', 'environment-unknown', {
    file: root.file ?? 'realm_config.json',
    message: `environment "${root.content.environment}" is unknown; no environment is in force`,
    mend: `use one of ${environmentTags.filter((name) => name !== '').join(', ')}, or ""`,
  })
  return ''
}

function derivedId(seed: string): string {
  return createHash('sha256').update(seed).digest('hex').slice(0, 24)
}

type Identity = Pick<
  AppDefinition,
  | 'name'
  | 'clientAppId'
  | 'appId'
  | 'groupId'
  | 'location'
  | 'deploymentModel'
  | 'providerRegion'
  | 'allowedRequestOrigins'
>

/** Names and ids of the app; what the folder does not tell is derived, so that it stays the same between runs. */
export function identityOf(root: Root, reader: FolderReader): Identity {
  const { content, meta } = root
  const file = root.file ?? 'realm_config.json'
  const knownId = [content.app_id, meta.client_app_id].find((id) => id !== undefined && id !== '')
  const name = content.name || knownId?.replace(/-[a-z0-9]{5}$/, '') || folderName(reader.dir)
  if (root.file !== undefined && !content.name)
    reader.findings.add('warning', 'app-name-missing', {
      file,
      message: `no name; "${name}" is used`,
      mend: 'add "name"',
    })
  else if (!/^[A-Za-z0-9_-]{1,32}$/.test(name))
    reader.findings.add('warning', 'app-name-invalid', {
      file,
      subject: name,
      message: `App Services refuses the name "${name}"`,
      mend: 'use 1 to 32 letters, digits, "_" and "-"',
    })
  const clientAppId = (knownId ?? `${name}-local`).replaceAll(/[^A-Za-z0-9_.~-]/g, '-')
  return {
    name,
    clientAppId,
    appId: meta.app_id !== undefined && hex24.test(meta.app_id) ? meta.app_id : derivedId(`app:${clientAppId}`),
    groupId:
      meta.group_id !== undefined && hex24.test(meta.group_id) ? meta.group_id : derivedId(`group:${clientAppId}`),
    location: content.location ?? locationOf(content.provider_region ?? ''),
    deploymentModel: content.deployment_model ?? 'GLOBAL',
    providerRegion: content.provider_region ?? '',
    allowedRequestOrigins: content.allowed_request_origins ?? [],
  }
}

/** Newer exports name the region alone; clients are told the older name of the place (spec: app folder 2). */
const locations: Readonly<Record<string, string>> = {
  'aws-us-east-1': 'US-VA',
  'aws-us-east-2': 'US-VA',
  'aws-us-west-2': 'US-OR',
  'aws-eu-central-1': 'DE-FF',
  'aws-eu-west-1': 'IE',
  'aws-eu-west-2': 'IE',
  'aws-ap-southeast-2': 'AU',
  'aws-ap-south-1': 'IN-MB',
  'aws-ap-southeast-1': 'SG',
  'aws-sa-east-1': 'BR-SP',
}

function locationOf(providerRegion: string): string {
  return Object.hasOwn(locations, providerRegion) ? (locations[providerRegion] ?? '') : ''
}

function folderName(dir: string): string {
  return (
    path
      .basename(dir)
      .replaceAll(/[^A-Za-z0-9_-]/g, '-')
      .slice(0, 32) || 'app'
  )
}
