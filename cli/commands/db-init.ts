import { loadAppFolder } from '../app-folder/index.ts'
import type { Command } from '../command.ts'
import { connect } from '../connect.ts'
import { initialiseDatabase } from '../database/initialise.ts'

export const command: Command = {
  name: 'db init',
  summary: 'Creates collections, validators and indexes; reports drift, drops nothing',
  usage: '[--uri mongodb://...] [--json]',
  async run(context) {
    const { definition } = await loadAppFolder(context.appDir)
    const client = await connect(context.uri)
    try {
      const report = await initialiseDatabase(client, definition)
      const lines = [
        ...report.collections.map((name) => `created    ${name}`),
        ...report.validators.map((name) => `validator  ${name}`),
        ...report.indexes.map((name) => `index      ${name}`),
        ...report.drift.map((drift) => `drift      ${drift.collection}: ${drift.detail}`),
      ]
      context.output(report, lines.length > 0 ? lines.join('\n') : 'everything is in place')
      return 0
    } finally {
      await client.close()
    }
  },
}
