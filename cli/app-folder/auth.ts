import { authProviderFile, customUserDataFile, metadataField } from '../../schemas/app/auth-file.ts'
import type { AuthProvider, CustomUserDataConfig } from '../../schemas/app/definition.ts'
import { isJsonObject } from '../../schemas/app/json.ts'
import type { FolderReader } from './folder-reader.ts'
import { readItem } from './read-item.ts'

const providersFile = 'auth/providers.json'

/** Providers by type. Exports of older tools hold an array, or one file per provider in `auth_providers/`. */
export async function readAuthProviders(reader: FolderReader): Promise<Record<string, AuthProvider>> {
  const providers = new Map<string, AuthProvider>()
  const content = await reader.json(providersFile)
  if (content.state === 'read') {
    if (Array.isArray(content.value))
      for (const entry of content.value) addProvider(reader, providers, providersFile, '', entry)
    else if (isJsonObject(content.value))
      for (const [key, entry] of Object.entries(content.value))
        addProvider(reader, providers, providersFile, key, entry)
    else
      reader.findings.add('error', 'providers-not-an-object', {
        file: providersFile,
        message: 'the file must hold an object keyed by provider type; no provider is enabled',
        mend: 'write {"api-key": {"name": "api-key", "type": "api-key", "disabled": false}}',
      })
  }
  for (const entry of await reader.list('auth_providers')) {
    if (entry.isFolder || !entry.name.endsWith('.json')) continue
    const file = `auth_providers/${entry.name}`
    const legacy = await reader.json(file)
    if (legacy.state === 'read') addProvider(reader, providers, file, entry.name.replace(/\.json$/, ''), legacy.value)
  }
  return Object.fromEntries(providers)
}

function addProvider(
  reader: FolderReader,
  providers: Map<string, AuthProvider>,
  file: string,
  key: string,
  value: unknown,
): void {
  const { findings } = reader
  const subject = `provider "${key}"`
  const parsed = readItem(authProviderFile, value, {
    findings,
    file,
    subject,
    severity: 'error',
    repair: (path) => (path[0] === 'disabled' ? true : undefined),
  })
  const type = parsed?.type || key
  if (parsed === undefined || type === '' || providers.has(type)) return
  const metadata_fields: AuthProvider['metadata_fields'] = []
  for (const entry of parsed.metadata_fields ?? []) {
    const field = readItem(metadataField, entry, { findings, file, subject: `metadata field of ${subject}` })
    if (field === undefined) continue
    const { name, required, field_name } = field
    metadata_fields.push({ name, required: required ?? false, ...(field_name === undefined ? {} : { field_name }) })
  }
  providers.set(type, {
    name: parsed.name || type,
    type,
    disabled: parsed.disabled ?? false,
    config: parsed.config ?? {},
    secret_config: parsed.secret_config ?? {},
    metadata_fields,
    ...(parsed.domain_restrictions === undefined ? {} : { domain_restrictions: parsed.domain_restrictions }),
    ...(parsed.redirect_uris === undefined ? {} : { redirect_uris: parsed.redirect_uris }),
  })
}

export async function readCustomUserData(reader: FolderReader): Promise<CustomUserDataConfig | undefined> {
  const file = 'auth/custom_user_data.json'
  const content = await reader.json(file)
  if (content.state !== 'read') return undefined
  const config = readItem(customUserDataFile, content.value, {
    findings: reader.findings,
    file,
    subject: 'custom user data',
  })
  if (config === undefined) return undefined
  return {
    enabled: config.enabled ?? false,
    mongo_service_name: config.mongo_service_name ?? 'mongodb-atlas',
    database_name: config.database_name ?? '',
    collection_name: config.collection_name ?? '',
    user_id_field: config.user_id_field ?? '',
    on_user_creation_function_name: config.on_user_creation_function_name ?? '',
  }
}
