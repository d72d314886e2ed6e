import { MongoClient, ObjectId } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadAppFolder } from '../../../cli/app-folder/index.ts'
import { createConfirmedUser } from '../../../runtime/users/password-accounts.ts'
import { openUserState } from '../../../runtime/users/state.ts'
import { type UserHooks, UserService } from '../../../runtime/users/user-service.ts'
import { wireFolder } from '../../contract/edge-under-test.ts'
import { startTestDatabase, type TestDatabase } from '../../support/database.ts'

describe('the creation function of an app', () => {
  let database: TestDatabase
  let client: MongoClient
  let service: UserService

  beforeAll(async () => {
    database = await startTestDatabase()
    client = new MongoClient(database.uri)
    const { definition } = await loadAppFolder(wireFolder)
    const { customUserData } = definition
    if (customUserData === undefined) throw new Error('the app has custom user data')
    service = new UserService({
      definition: { ...definition, customUserData: { ...customUserData, on_user_creation_function_name: 'onUser' } },
      state: openUserState(client, definition.clientAppId),
      clientFor: () => client,
      secret: () => undefined,
      fetch,
      now: () => new Date(),
    })
  })
  afterAll(async () => {
    await client?.close()
    await database?.close()
  })

  function hooks(refuses = false) {
    const calls: unknown[][] = []
    const events: string[] = []
    const used: UserHooks = {
      async callFunction(...call) {
        calls.push(call)
        if (refuses) throw new Error('no')
      },
      onEvent: (event) => events.push(event.operationType),
    }
    return { calls, events, used }
  }

  const login = (email: string, used: UserHooks) =>
    service.login(
      { provider: 'local-userpass', username: email, password: 'a long one' },
      { createUser: false, address: '' },
      used,
    )

  it('runs once, at the first login, for a user whom an administrator made', async () => {
    const email = `first-${new ObjectId().toHexString()}@example.org`
    const { id } = await createConfirmedUser(service, email, 'a long one')
    const { calls, events, used } = hooks()
    await Promise.all([login(email, used), login(email, used), login(email, used)])
    expect(calls).toEqual([['onUser', [expect.objectContaining({ id, type: 'normal', data: { email } })]]])
    expect(events.toSorted()).toEqual(['CREATE', 'LOGIN', 'LOGIN', 'LOGIN'])
  })

  it('refuses the login as long as it throws', async () => {
    const email = `veto-${new ObjectId().toHexString()}@example.org`
    await createConfirmedUser(service, email, 'a long one')
    const refusing = hooks(true)
    await expect(login(email, refusing.used)).rejects.toMatchObject({ code: 'AuthError', message: 'unauthorized' })
    expect(refusing.events).toEqual([])
    const allowing = hooks()
    await login(email, allowing.used)
    expect(allowing.events).toEqual(['CREATE', 'LOGIN'])
  })
})
