import path from 'node:path'
import { isMidnight } from '../../domain/instant.ts'
import { biDatabase } from '../../schemas/database/collections.ts'
import { type Command, requiredOption, UsageError } from '../command.ts'
import { connect } from '../connect.ts'
import { archiveEvents } from '../events/archive.ts'
import { instantOption, refuseArguments } from '../kpi-options.ts'

export const command: Command = {
  name: 'events archive',
  summary: 'Copies the raw events of final days to gzip files with digests, verified; restartable, deletes nothing',
  usage: '--before DAY --to DIR [--uri mongodb://...] [--json]',
  options: { before: { type: 'string' }, to: { type: 'string' } },
  async run(context) {
    refuseArguments(context)
    const before = instantOption(context, 'before')
    if (!isMidnight(before)) throw new UsageError('--before must be a day: YYYY-MM-DD')
    const directory = path.resolve(requiredOption(context, 'to'))
    const client = await connect(context.uri)
    try {
      const report = await archiveEvents(client.db(biDatabase), before, directory, context.progress)
      const events = report.archived.reduce((sum, day) => sum + day.events, 0)
      const lines = [`${report.archived.length} days archived (${events} events), ${report.kept} were there already`]
      if (report.open.length > 0)
        lines.push(`${report.open.length} days left out: the snapshots that read them are not final (kpi backfill)`)
      for (const day of report.damaged)
        lines.push(`${day} is damaged, and its events are no longer all in the database: restore its file from a copy`)
      context.output(report, lines.join('\n'))
      return report.damaged.length === 0 ? 0 : 1
    } finally {
      await client.close()
    }
  },
}
