import type { Command } from '../command.ts'
import { describeKeyScope } from '../key-scope.ts'
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
        ...(key.prefix !== undefined && { prefix: key.prefix }),
        ...(Object.keys(key.scope).length > 0 && { scope: key.scope }),
        ...(key.lastUsedAt !== undefined && { last_used_at: key.lastUsedAt.toISOString() }),
      }))
      const lines = keys.map((key) =>
        [
          key.id,
          `${key.prefix ?? ''}...`.padEnd(11),
          key.role.padEnd(8),
          key.disabled ? 'disabled' : 'enabled ',
          (key.last_used_at ?? 'never used').padEnd(24),
          key.name,
          describeKeyScope(key.scope ?? {}),
        ]
          .join('  ')
          .trimEnd(),
      )
      context.output(keys, lines.length > 0 ? lines.join('\n') : 'no keys; make one with: keys create --name NAME')
      return 0
    })
  },
}
