import { type Command, CommandError } from '../command.ts'
import { withKpiFunctions } from '../kpi-functions.ts'
import { refuseArguments } from '../kpi-options.ts'

interface Imported {
  readonly imported: number
  readonly skipped: number
  readonly already_logged: number
}

function isImported(value: unknown): value is Imported {
  return typeof value === 'object' && value !== null && 'imported' in value && 'skipped' in value
}

export const command: Command = {
  name: 'kpi import',
  summary:
    'Starts the change log of subscriptions that have none from their documents, flagged assumed; safe to repeat',
  usage: '[--uri mongodb://...] [--json]',
  async run(context) {
    refuseArguments(context)
    return withKpiFunctions(context, async (call) => {
      const result = await call('importSubscriptionHistory')
      if (!isImported(result))
        throw new CommandError('importSubscriptionHistory answered something else than its counts')
      context.output(
        result,
        `${result.imported} subscriptions imported, ${result.already_logged} had a log, ${result.skipped} have no usable dates`,
      )
      return 0
    })
  },
}
