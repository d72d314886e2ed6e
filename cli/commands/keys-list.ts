import type { Command } from '../command.ts'
import { withUserService } from '../user-service.ts'

export const command: Command = {
  name: 'keys list',
  summary: 'Lists the server API keys',
  usage: '[--app DIR] [--uri mongodb://...] [--json]',
  async run(context) {
    return withUserService(context, async (service) => {
      const keys = (await service.apiKeys.list()).map((key) => ({
        id: key.id,
        name: key.name,
        role: typeof key.customData.role === 'string' ? key.customData.role : 'viewer',
        disabled: key.disabled,
        created_at: key.createdAt.toISOString(),
      }))
      const lines = keys.map((key) =>
        [key.id, key.role.padEnd(8), key.disabled ? 'disabled' : 'enabled ', key.name].join('  '),
      )
      context.output(keys, lines.length > 0 ? lines.join('\n') : 'no keys; make one with: keys create --name NAME')
      return 0
    })
  },
}
