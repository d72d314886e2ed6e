import { TriggerStore } from '../runtime/triggers/index.ts'
import type { Trigger } from '../schemas/app/definition.ts'
import { loadAppFolder } from './app-folder/index.ts'
import type { CommandContext } from './command.ts'
import { connect } from './connect.ts'

/**
 * Runs `use` with the triggers of the app of `--app` and what the server of `--uri` remembers of them.
 *
 * @throws {CommandError} when no server answers
 */
export async function withTriggers<T>(
  context: CommandContext,
  use: (triggers: readonly Trigger[], store: TriggerStore) => Promise<T>,
): Promise<T> {
  const { definition } = await loadAppFolder(context.appDir)
  const client = await connect(context.uri)
  try {
    return await use(definition.triggers, new TriggerStore(client, definition.clientAppId))
  } finally {
    await client.close()
  }
}
