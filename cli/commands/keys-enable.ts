import type { Command } from '../command.ts'
import { findKey, keySelector } from '../find-key.ts'
import { withUserService } from '../user-service.ts'

export const command: Command = {
  name: 'keys enable',
  summary: 'Switches a server API key on again',
  usage: 'ID|NAME [--app DIR] [--uri mongodb://...]',
  options: keySelector,
  async run(context) {
    return withUserService(context, async (service) => {
      const key = await findKey(context, service)
      await service.apiKeys.setDisabled(key.id, false)
      context.output({ id: key.id, name: key.name, disabled: false })
      return 0
    })
  },
}
