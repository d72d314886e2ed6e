import type { EnvironmentTag, Json } from '../../schemas/app/definition.ts'
import { isJsonObject } from '../../schemas/app/json.ts'
import { environmentFile } from '../../schemas/app/value-file.ts'
import type { Findings } from './finding.ts'
import type { FolderReader } from './folder-reader.ts'
import { readItem } from './read-item.ts'

export const environmentTags: readonly EnvironmentTag[] = ['', 'development', 'testing', 'qa', 'production']

/** The tag that a text names, or undefined. `none` and `no-environment` are the empty tag. */
export function parseEnvironmentTag(text: string): EnvironmentTag | undefined {
  const name = text.trim().toLowerCase()
  if (name === 'none' || name === 'no-environment') return ''
  return environmentTags.find((tag) => tag === name)
}

/** Values of one environment, and a finding for each other file of the folder that is no environment. */
export async function readEnvironmentValues(reader: FolderReader, tag: EnvironmentTag): Promise<Record<string, Json>> {
  const wanted = `${tag === '' ? 'no-environment' : tag}.json`
  let values: Record<string, Json> = {}
  for (const entry of await reader.list('environments')) {
    const file = `environments/${entry.name}`
    if (entry.isFolder) continue
    const content = await reader.json(file)
    if (content.state !== 'read') continue
    const parsed = readItem(environmentFile, content.value, { findings: reader.findings, file, subject: entry.name })
    if (entry.name === wanted) values = parsed?.values ?? {}
  }
  return values
}

const template = /%\(%%environment\.([A-Za-z0-9_.-]+)\)/g

function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root
  for (const key of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}

/**
 * Resolves `%(%%environment.values.x)` in every string of a file, as App Services does when it makes an app of a folder
 * (spec: app folder 8). Other `%%environment` references are expressions and stay.
 */
export function templateResolver(
  tag: EnvironmentTag,
  values: Record<string, Json>,
  findings: Findings,
): (value: unknown, file: string) => unknown {
  const environment = { tag, values }
  const resolveText = (text: string, file: string): string =>
    text.replaceAll(template, (whole, reference: string) => {
      const found = valueAt(environment, reference.split('.'))
      if (typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean') return String(found)
      findings.add('error', 'environment-value-missing', {
        file,
        subject: reference,
        message: `${whole} has no value in the environment "${tag}"`,
        mend: `add "${reference.replace(/^values\./, '')}" to environments/${tag === '' ? 'no-environment' : tag}.json`,
      })
      return whole
    })
  const resolve = (value: unknown, file: string): unknown => {
    if (typeof value === 'string') return value.includes('%(%%environment.') ? resolveText(value, file) : value
    if (Array.isArray(value)) return value.map((member) => resolve(member, file))
    if (!isJsonObject(value)) return value
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, resolve(member, file)]))
  }
  return resolve
}
