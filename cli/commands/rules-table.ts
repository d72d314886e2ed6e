import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { loadAppFolder } from '../app-folder/index.ts'
import { type Command, CommandError } from '../command.ts'
import { rulesTable, toMarkdown, withTable } from '../rules/rules-table.ts'

export const command: Command = {
  name: 'rules table',
  summary: 'Prints what each role may do in each collection, as the rules decide; --check compares README.md',
  usage: '[--check | --write] [--app DIR] [--json]',
  options: { check: { type: 'boolean' }, write: { type: 'boolean' } },
  async run(context) {
    const { definition } = await loadAppFolder(context.appDir)
    const rows = await rulesTable(definition)
    const table = toMarkdown(rows)
    if (context.values.check !== true && context.values.write !== true) {
      context.output(
        rows.map(({ namespace, permitted }) => ({ namespace: namespace ?? null, ...permitted })),
        table,
      )
      return 0
    }
    const file = path.join(context.appDir, 'README.md')
    const text = await readFile(file, 'utf8').catch(() => '')
    const expected = withTable(text, table)
    if (expected === undefined) throw new CommandError('README.md has no place for the table: the two marker lines')
    const isCurrent = expected === text
    if (context.values.write === true && !isCurrent) await writeFile(file, expected)
    const ok = isCurrent || context.values.write === true
    context.output(
      { current: isCurrent },
      isCurrent ? 'the table is current' : ok ? 'written' : 'run rules table --write',
    )
    return ok ? 0 : 1
  },
}
