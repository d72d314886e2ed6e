import type { User } from '../user.ts'
import { toFunctionValue } from './values.ts'

/**
 * `context.user`: a copy, so that no function can change the user of another call. The system user has no `id`; an
 * identity's provider is readable under both spellings of the documentation (spec: function runtime 3).
 */
export function userView(user: User): unknown {
  return {
    ...(user.id === '' ? {} : { id: user.id }),
    type: user.type,
    data: toFunctionValue(user.data),
    custom_data: toFunctionValue(user.custom_data),
    identities: user.identities.map((identity) => ({
      ...(toFunctionValue(identity) as object),
      providerType: identity.provider_type,
    })),
  }
}
