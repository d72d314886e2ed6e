import type { Command } from '../command.ts'
import { findKey, keySelector } from '../find-key.ts'
import { withUserService } from '../user-service.ts'

export const command: Command = {
  name: 'keys disable',
  summary: 'Switches a server API key off, or on again with --enable',
  usage: 'ID|NAME [--enable] [--app DIR] [--uri mongodb://...]',
  options: { ...keySelector, enable: { type: 'boolean' } },
  async run(context) {
    return withUserService(context, async (service) => {
      const key = await findKey(context, service)
      const disabled = context.values.enable !== true
      await service.apiKeys.setDisabled(key.id, disabled)
      context.output({ id: key.id, name: key.name, disabled })
      return 0
    })
  },
}
