import { ObjectId } from 'bson'
import type { User } from '../../../runtime/user.ts'
import { toTokenData } from '../../../runtime/users/custom-user-data.ts'
import { noDeviceId } from '../../../runtime/users/tokens.ts'
import type { Login } from '../../../runtime/users/user-service.ts'
import type { HostContext } from '../host-context.ts'

/** What a login answers; the Web SDK insists on `device_id`. */
export interface SessionAnswer {
  access_token: string
  refresh_token: string
  user_id: string
  device_id: string
}

/** Opens a session for a login. */
export async function issueSession(context: HostContext, { user, identity }: Login): Promise<SessionAnswer> {
  const now = context.users.now()
  const session = await context.users.sessions.create({
    userId: ObjectId.createFromHexString(user.id),
    providerType: identity.provider_type,
    identityId: identity.id,
    now,
  })
  const sessionId = session._id.toHexString()
  return {
    access_token: await issueAccessToken(context, user, sessionId),
    refresh_token: await context.tokens.signRefresh({
      app: context.runtime.built.definition.clientAppId,
      userId: user.id,
      sessionId,
      identity: {
        id: identity.id,
        provider_type: identity.provider_type,
        provider_id: identity.provider_id ?? noDeviceId,
      },
      now,
      expiresAt: session.expires_at,
    }),
    user_id: user.id,
    device_id: noDeviceId,
  }
}

/** A fresh access token, the custom data of the user as of now in it. */
export async function issueAccessToken(context: HostContext, user: User, sessionId: string): Promise<string> {
  const { definition } = context.runtime.built
  const { custom_data } = await context.users.withCustomData(user)
  const hasData = definition.customUserData?.enabled === true || Object.keys(custom_data).length > 0
  return context.tokens.signAccess({
    app: definition.clientAppId,
    userId: user.id,
    sessionId,
    userData: hasData ? toTokenData(custom_data) : undefined,
    now: context.users.now(),
  })
}
