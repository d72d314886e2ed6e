import { type Command, optionalOption, UsageError } from '../command.ts'
import { findKey, keySelector } from '../find-key.ts'
import { withUserService } from '../user-service.ts'

const hourMs = 3_600_000
const maxGraceHours = 24 * 30

export const command: Command = {
  name: 'keys rotate',
  summary: 'Gives a server API key a new text, shown once; name, role and scope stay',
  usage: 'ID|NAME [--grace HOURS] [--app DIR] [--uri mongodb://...]',
  options: { ...keySelector, grace: { type: 'string' } },
  async run(context) {
    const grace = Number(optionalOption(context, 'grace') ?? 0)
    if (!(grace >= 0 && grace <= maxGraceHours))
      throw new UsageError(`--grace is for how many hours the old key stays good, 0 to ${maxGraceHours}`)
    return withUserService(context, async (service) => {
      const { id } = await findKey(context, service)
      const rotated = await service.apiKeys.rotate(id, service.now(), grace * hourMs)
      context.output({ key: rotated.key, id, name: rotated.name })
      return 0
    })
  },
}
