import type { MongoClient } from 'mongodb'
import { roles } from '../../domain/identity/role.ts'
import { biDatabase } from '../../schemas/database/collections.ts'

/** Who can log in at the local issuer: one of each role; the user name is the role. */
export const demoUsers = roles.map((role) => ({
  username: role,
  auth0_id: `auth0|demo-${role}`,
  email: `${role}@demo.example.com`,
  display_name: `Demo ${role}`,
  role,
}))

export type DemoLogin = (typeof demoUsers)[number]

/** Writes their rows, marked as test users, so that no metric counts them. Changes nothing that is there. */
export async function seedDemoLogins(client: MongoClient, now: Date): Promise<void> {
  const users = client.db(biDatabase).collection('users')
  for (const { username: _, ...person } of demoUsers)
    await users.updateOne(
      { auth0_id: person.auth0_id },
      {
        $setOnInsert: {
          ...person,
          email_verified: true,
          is_active: true,
          is_test: true,
          created_at: now,
          last_login: now,
          metadata: {},
        },
      },
      { upsert: true },
    )
}
