import type { Runtime } from '../../runtime/runtime.ts'
import { ApiKeyStore } from '../../runtime/users/api-key-store.ts'
import { ensureUserIndexes, openUserState } from '../../runtime/users/state.ts'

const demoKeyName = 'demo'

/** A fresh key with the role admin, in place of the one that an earlier run left in a kept database. */
export async function createDemoKey(runtime: Runtime): Promise<string> {
  const { built, options } = runtime
  const state = openUserState(options.stateClient, built.definition.clientAppId, options.stateDatabase)
  await ensureUserIndexes(state)
  const keys = new ApiKeyStore(state)
  for (const key of await keys.list()) if (key.name === demoKeyName) await keys.delete(key.id)
  const created = await keys.createServerKey(demoKeyName, { role: 'admin' }, options.now())
  return created.key
}
