import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadAppFolder } from '../../cli/app-folder/index.ts'
import { lintAppFolder } from '../../cli/app-folder/lint.ts'
import { buildOwnApp, type OwnAppResult } from '../../cli/build/own-app.ts'
import { checkApp } from '../../cli/check/index.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/app-folders.ts'

const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')

describe('the app of this repository', () => {
  let folder: TemporaryFolder
  let result: OwnAppResult
  beforeAll(async () => {
    folder = await temporaryFolder()
    result = await buildOwnApp({ root: repository, outDir: path.join(folder.dir, 'app') })
  })
  afterAll(() => folder.remove())

  it('compiles into a folder in which App Services finds nothing to refuse', async () => {
    const app = await loadAppFolder(result.outDir)
    expect(app.findings).toEqual([])
    expect(await lintAppFolder(result.outDir, app)).toEqual([])
  })

  it('lists every function, and every trigger and endpoint names one of them', async () => {
    const { definition } = await loadAppFolder(result.outDir)
    const names = definition.functions.map(({ name }) => name).sort()
    expect(names).toEqual([...result.functions].sort())
    expect(definition.functions.filter(({ listed }) => !listed)).toEqual([])
    const named = [...definition.triggers, ...definition.endpoints].map(({ function_name }) => function_name)
    expect(named.filter((name) => name === undefined || !names.includes(name))).toEqual([])
  })

  it('has nothing that will not run once its secrets are given', async () => {
    const { definition } = await loadAppFolder(result.outDir)
    const secrets = new Set([
      ...definition.values.filter(({ from_secret }) => from_secret).map(({ value }) => String(value)),
      ...definition.endpoints.map(({ secret_name }) => secret_name),
    ])
    const report = await checkApp({ appDir: result.outDir, secrets })
    const serious = report.files.flatMap(({ findings }) => findings).filter(({ severity }) => severity !== 'info')
    expect(serious).toEqual([])
    expect(report.ok).toBe(true)
  })
})
