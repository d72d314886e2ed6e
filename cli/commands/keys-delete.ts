import type { Command } from '../command.ts'
import { findKey, keySelector } from '../find-key.ts'
import { withUserService } from '../user-service.ts'

export const command: Command = {
  name: 'keys delete',
  summary: 'Deletes a server API key',
  usage: 'ID|NAME [--app DIR] [--uri mongodb://...]',
  options: keySelector,
  async run(context) {
    return withUserService(context, async (service) => {
      const key = await findKey(context, service)
      await service.apiKeys.delete(key.id)
      context.output({ id: key.id, name: key.name, deleted: true })
      return 0
    })
  },
}
