import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { loadAppFolder } from '../../cli/app-folder/index.ts'
import { repositoryRoot } from '../../cli/own-app.ts'
import { rulesTable, toMarkdown, withTable } from '../../cli/rules/rules-table.ts'

it('the table of roles in README.md is what the rules say; `cli rules table --write` renews it', async () => {
  const { definition } = await loadAppFolder(repositoryRoot)
  const readme = await readFile(path.join(repositoryRoot, 'README.md'), 'utf8')
  expect(withTable(readme, toMarkdown(await rulesTable(definition)))).toBe(readme)
})
