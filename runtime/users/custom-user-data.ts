import { type Document, EJSON } from 'bson'
import type { MongoClient } from 'mongodb'
import type { CustomUserDataConfig } from '../../schemas/app/definition.ts'

/**
 * The custom user data document of a user, with BSON types; `{}` without one.
 * Of several, the first inserted counts (spec: app folder 10).
 */
export async function loadCustomUserData(
  config: CustomUserDataConfig | undefined,
  clientFor: (service: string) => MongoClient,
  userId: string,
): Promise<Document> {
  if (!config?.enabled || userId === '') return {}
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
