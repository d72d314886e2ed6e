import { type Document, EJSON } from 'bson'
import type { MongoClient } from 'mongodb'
import type { CustomUserDataConfig } from '../../schemas/app/definition.ts'

/** Names that no collection of MongoDB has; the driver refuses to ask for them. */
function isNowhere({ database_name: database, collection_name: collection }: CustomUserDataConfig): boolean {
  return database === '' || /[ .$/\\]/.test(database) || collection === '' || /\$|\.\.|^\.|\.$/.test(collection)
}

/**
 * The custom user data document of a user, with BSON types; `{}` without one.
 * Of several, the first inserted counts (spec: app folder 10).
 */
export async function loadCustomUserData(
  config: CustomUserDataConfig | undefined,
  clientFor: (service: string) => MongoClient,
  userId: string,
): Promise<Document> {
  // Public apps have such a configuration, and their users log in all the same.
  if (!config?.enabled || userId === '' || isNowhere(config)) return {}
  const collection = clientFor(config.mongo_service_name)
    .db(config.database_name)
    .collection(config.collection_name, { promoteValues: false })
  return (await collection.findOne({ [config.user_id_field]: userId })) ?? {}
}

/** Custom data as an access token carries it: canonical Extended JSON. */
export function toTokenData(data: Document): Document {
  return EJSON.serialize(data, { relaxed: false })
}

export function fromTokenData(data: Document): Document {
  return EJSON.deserialize(data, { relaxed: false })
}
