import type { AppValue } from '../../schemas/app/definition.ts'
import { valueFile } from '../../schemas/app/value-file.ts'
import type { FolderReader } from './folder-reader.ts'
import { readItem } from './read-item.ts'

export async function readValues(reader: FolderReader): Promise<AppValue[]> {
  const values: AppValue[] = []
  for (const entry of await reader.list('values')) {
    if (entry.isFolder) continue
    const file = `values/${entry.name}`
    const content = await reader.json(file)
    if (content.state !== 'read') continue
    const fallbackName = entry.name.replace(/\.json$/, '')
    const subject = `value "${fallbackName}"`
    const parsed = readItem(valueFile, content.value, { findings: reader.findings, file, subject, severity: 'error' })
    if (parsed === undefined) continue
    const name = parsed.name || fallbackName
    const from_secret = parsed.from_secret ?? false
    if (from_secret && typeof parsed.value !== 'string') {
      reader.findings.add('error', 'value-without-secret-name', {
        file,
        subject: name,
        message: `value "${name}" comes from a secret but does not name it`,
        mend: 'write the name of the secret as "value"',
      })
      continue
    }
    if (values.some((other) => other.name === name))
      reader.findings.add('error', 'value-name-twice', {
        file,
        subject: name,
        message: `another value is named "${name}"; this one is left out`,
        mend: 'give it a name of its own',
      })
    else {
      values.push({ name, from_secret, value: parsed.value ?? null })
      reader.origins.setValue(name, file)
    }
  }
  return values
}
