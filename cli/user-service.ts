import { ensureUserIndexes, openUserState } from '../runtime/users/state.ts'
import { UserService } from '../runtime/users/user-service.ts'
import { loadAppFolder } from './app-folder/index.ts'
import type { CommandContext } from './command.ts'
import { connect } from './connect.ts'

/**
 * Runs `use` with the users and keys of the app of `--app`, on the server of `--uri`.
 *
 * @throws {CommandError} when no server answers
 */
export async function withUserService<T>(
  context: CommandContext,
  use: (service: UserService) => Promise<T>,
): Promise<T> {
  const { definition } = await loadAppFolder(context.appDir)
  const client = await connect(context.uri)
  try {
    const state = openUserState(client, definition.clientAppId)
    await ensureUserIndexes(state)
    return await use(
      new UserService({
        definition,
        state,
        clientFor: () => client,
        secret: (name) => context.secrets[name],
        fetch,
        now: () => new Date(),
      }),
    )
  } finally {
    await client.close()
  }
}
