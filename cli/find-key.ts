import type { ApiKeyView } from '../runtime/users/api-key-store.ts'
import type { UserService } from '../runtime/users/user-service.ts'
import { type CommandContext, CommandError, optionalOption, UsageError } from './command.ts'

/** Which server key a command means: `--id`, `--name` or the one argument, an id or a name. */
export async function findKey(context: CommandContext, service: UserService): Promise<ApiKeyView> {
  const wanted = context.positionals[0] ?? optionalOption(context, 'id') ?? optionalOption(context, 'name')
  if (wanted === undefined || wanted === '') throw new UsageError('say which key: its id or its name')
  const keys = await service.apiKeys.list()
  const found = keys.filter((key) => key.id === wanted)
  const matching = found.length > 0 ? found : keys.filter((key) => key.name === wanted)
  const [key] = matching
  if (key === undefined) throw new CommandError(`no server API key "${wanted}"; keys list shows all`)
  if (matching.length > 1) throw new CommandError(`${matching.length} keys are named "${wanted}": give the id`)
  return key
}

export const keySelector = { id: { type: 'string' }, name: { type: 'string' } } as const
