import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { dataApiApp, type Preset } from '../../../cli/app-folder/data-api-app.ts'
import { fixtureApp } from '../../support/app-folders.ts'

function roleOf(preset: Preset): unknown {
  const files = dataApiApp({ appId: 'data-abcde', dataSource: 'Cluster0', preset })
  return files.get('data_sources/mongodb-atlas/default_rule.json')
}

describe('dataApiApp', () => {
  it('is the fixture that the contract tests run', async () => {
    const files = dataApiApp({ appId: 'data-abcde', dataSource: 'Cluster0', preset: 'readAndWriteAll' })
    const dir = fixtureApp('data-api-only')
    const there = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    expect(there).toHaveLength(files.size)
    for (const [name, content] of files)
      expect([name, JSON.parse(await readFile(path.join(dir, name), 'utf8'))]).toEqual([name, content])
  })

  it.each([
    ['readAndWriteAll', true, true],
    ['readAll', true, false],
    ['denyAll', false, false],
  ] as const)('grants what %s says', (preset, read, write) => {
    expect(roleOf(preset)).toEqual({
      roles: [
        {
          name: preset,
          apply_when: {},
          document_filters: { read, write },
          read,
          write,
          insert: write,
          delete: write,
          search: read,
        },
      ],
      filters: [],
    })
  })
})
