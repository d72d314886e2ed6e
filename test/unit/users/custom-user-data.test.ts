import { MongoClient } from 'mongodb'
import { afterAll, describe, expect, it } from 'vitest'
import { loadCustomUserData } from '../../../runtime/users/custom-user-data.ts'

// Never connected.
const client = new MongoClient('mongodb://127.0.0.1:1')
afterAll(() => client.close())

describe('custom user data', () => {
  it.each([
    ['a database name that MongoDB refuses', 'some data base', 'users'],
    ['no database', '', 'users'],
    ['no collection', 'app', ''],
    ['a collection name that MongoDB refuses', 'app', 'users..all'],
  ])('is empty where the app says it lies in %s', async (_, database_name, collection_name) => {
    const config = {
      enabled: true,
      mongo_service_name: 'mongodb-atlas',
      database_name,
      collection_name,
      user_id_field: 'user_id',
      on_user_creation_function_name: '',
    }
    expect(await loadCustomUserData(config, () => client, '64b000000000000000000001')).toEqual({})
  })
})
