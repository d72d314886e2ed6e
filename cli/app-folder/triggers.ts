import type { DatabaseTrigger, DataSource, Trigger } from '../../schemas/app/definition.ts'
import {
  authenticationTriggerConfig,
  databaseTriggerConfig,
  scheduledTriggerConfig,
  type TriggerFile,
  triggerFile,
} from '../../schemas/app/trigger-file.ts'
import type { FolderReader } from './folder-reader.ts'
import { readItem } from './read-item.ts'

/** Data sources as triggers refer to them: by name, or in Admin API form by id. */
export interface KnownSources {
  readonly dataSources: readonly DataSource[]
  readonly nameById: ReadonlyMap<string, string>
}

/** Every trigger of `triggers/`; a file that is none becomes a finding. */
export async function readTriggers(reader: FolderReader, known: KnownSources): Promise<Trigger[]> {
  const triggers: Trigger[] = []
  for (const entry of await reader.list('triggers')) {
    if (entry.isFolder) continue
    const file = `triggers/${entry.name}`
    const content = await reader.json(file)
    if (content.state !== 'read') continue
    for (const value of Array.isArray(content.value) ? content.value : [content.value]) {
      const trigger = readTrigger(reader, known, file, value)
      if (trigger === undefined) continue
      if (triggers.some((other) => other.name === trigger.name))
        reader.findings.add('error', 'trigger-name-twice', {
          file,
          subject: trigger.name,
          message: `another trigger is named "${trigger.name}"; this one is left out`,
          mend: 'give it a name of its own',
        })
      else {
        triggers.push(trigger)
        reader.origins.setTrigger(trigger.name, file)
      }
    }
  }
  return triggers
}

function readTrigger(reader: FolderReader, known: KnownSources, file: string, value: unknown): Trigger | undefined {
  const fallbackName = file.slice('triggers/'.length).replace(/\.json$/, '')
  const place = { findings: reader.findings, file, subject: `trigger "${fallbackName}"`, severity: 'error' as const }
  const content = readItem(triggerFile, value, place)
  if (content === undefined) return undefined
  const name = content.name || fallbackName
  const function_name = functionOf(content)
  if (function_name === undefined) reportNoFunction(reader, file, name, content)
  const base = { name, disabled: content.disabled ?? false, ...(function_name === undefined ? {} : { function_name }) }
  const config = content.config ?? {}
  if (content.type === 'SCHEDULED') {
    const parsed = readItem(scheduledTriggerConfig, config, place)
    if (parsed === undefined) return undefined
    const skip = parsed.skip_catchup_events ?? parsed.skip_catchup_event ?? false
    return { ...base, type: 'SCHEDULED', config: { schedule: parsed.schedule, skip_catchup_events: skip } }
  }
  if (content.type === 'AUTHENTICATION') {
    const parsed = readItem(authenticationTriggerConfig, config, place)
    if (parsed === undefined) return undefined
    const operation_types = parsed.operation_type ?? parsed.operation_types ?? []
    return { ...base, type: 'AUTHENTICATION', config: { operation_types, providers: parsed.providers ?? [] } }
  }
  return readDatabaseTrigger(reader, known, place, base, config)
}

function readDatabaseTrigger(
  reader: FolderReader,
  known: KnownSources,
  place: { file: string; subject: string; findings: FolderReader['findings'] },
  base: Pick<DatabaseTrigger, 'name' | 'disabled' | 'function_name'>,
  value: unknown,
): DatabaseTrigger | undefined {
  const config = readItem(databaseTriggerConfig, value, { ...place, severity: 'error' })
  if (config === undefined) return undefined
  return {
    ...base,
    type: 'DATABASE',
    config: {
      service_name: serviceOf(reader, known, place.file, base.name, config.service_name, config.service_id),
      database: config.database ?? '',
      collection: config.collection ?? '',
      operation_types: [...new Set((config.operation_types ?? []).map((type) => type.trim().toUpperCase()))],
      full_document: config.full_document ?? false,
      full_document_before_change: config.full_document_before_change ?? false,
      match: config.match ?? {},
      project: config.project ?? {},
      unordered: config.unordered ?? false,
      tolerate_resume_errors: config.tolerate_resume_errors ?? false,
      maximum_throughput: config.maximum_throughput ?? false,
      skip_catchup_events: config.skip_catchup_events ?? false,
    },
  }
}

function functionOf(content: TriggerFile): string | undefined {
  return content.event_processors?.FUNCTION?.config?.function_name || content.function_name || undefined
}

function reportNoFunction(reader: FolderReader, file: string, name: string, content: TriggerFile): void {
  if (content.event_processors?.AWS_EVENTBRIDGE !== undefined)
    reader.findings.add('error', 'trigger-eventbridge', {
      file,
      subject: name,
      message: `trigger "${name}" sends its events to AWS EventBridge, which is not done here`,
      mend: 'give it a function that sends them: event_processors.FUNCTION.config.function_name',
    })
  else
    reader.findings.add('error', 'trigger-without-function', {
      file,
      subject: name,
      message: `trigger "${name}" names no function`,
      mend: 'add event_processors.FUNCTION.config.function_name',
    })
}

function serviceOf(
  reader: FolderReader,
  known: KnownSources,
  file: string,
  trigger: string,
  name: string | undefined,
  id: string | undefined,
): string {
  if (name) return name
  const only = known.dataSources.length === 1 ? known.dataSources[0]?.name : undefined
  const found = (id === undefined ? undefined : known.nameById.get(id)) ?? only ?? 'mongodb-atlas'
  reader.findings.add(only === undefined ? 'warning' : 'info', 'trigger-service-by-id', {
    file,
    subject: trigger,
    message: `trigger "${trigger}" names no service_name; the data source "${found}" is watched`,
    mend: `add "service_name": "${found}" to its config`,
  })
  return found
}
