import { type Command, CommandError, UsageError } from '../command.ts'
import { withTriggers } from '../trigger-store.ts'

export const command: Command = {
  name: 'triggers resume',
  summary: 'Lets a suspended database trigger run again, after its last change or from now on',
  usage: 'NAME [--from-now] [--app DIR] [--uri mongodb://...]',
  options: { 'from-now': { type: 'boolean' } },
  async run(context) {
    const [name, ...more] = context.positionals
    if (name === undefined || more.length > 0) throw new UsageError('name one trigger: triggers resume NAME')
    return withTriggers(context, async (triggers, store) => {
      if (!triggers.some((trigger) => trigger.name === name))
        throw new UsageError(`no trigger "${name}"; there are: ${triggers.map((trigger) => trigger.name).join(', ')}`)
      const withToken = context.values['from-now'] !== true
      if (!(await store.resume(name, { withToken }))) throw new CommandError(`the trigger "${name}" is not suspended`)
      context.output({ name, resumed: withToken ? 'after its last change' : 'from now on' })
      return 0
    })
  },
}
