import { ObjectId } from 'bson'
import { AppError } from '../../../runtime/errors.ts'
import type { ApiKeyView } from '../../../runtime/users/api-key-store.ts'
import { UncodedError } from '../../error-body.ts'
import type { HostRequest, Operation } from '../../host-request.ts'
import { emptyAnswer, jsonAnswer } from '../answers.ts'
import type { HostContext } from '../host-context.ts'
import { readDocument, textField } from './body.ts'
import { noRefreshToken, refreshClaims } from './refusals.ts'

const keyName = /^[A-Za-z0-9_-]+$/

/** `/auth/api_keys`: the keys a user makes for themselves, with the refresh token. */
export async function handleApiKeys(
  context: HostContext,
  request: HostRequest,
  operation: Extract<Operation, { kind: 'api-keys' }>,
): Promise<Response> {
  const owner = await keyOwner(context, request)
  const { apiKeys } = context.users
  const { method, id } = operation
  if (id === undefined) {
    if (method === 'GET') return jsonAnswer((await apiKeys.list(owner)).map(toAnswer))
    const created = await apiKeys.createUserKey(owner, readName(request), context.users.now())
    return jsonAnswer({ _id: created.id, key: created.key, name: created.name, disabled: false }, 201)
  }
  if (method === 'GET') return jsonAnswer(toAnswer(await apiKeys.get(id, owner)))
  if (method === 'DELETE') await apiKeys.delete(id, owner)
  else await apiKeys.setDisabled(id, operation.change === 'disable', owner)
  return emptyAnswer(204)
}

async function keyOwner(context: HostContext, request: HostRequest): Promise<ObjectId> {
  const { sessionId, userId } = refreshClaims(request)
  const session = await context.users.sessions.find(sessionId, context.users.now())
  if (session === undefined || session.user_id.toHexString() !== userId) throw noRefreshToken()
  if (context.users.provider('api-key') === undefined)
    throw new AppError('AuthProviderNotFound', "authentication provider not found: 'api-key'")
  const user = await context.users.users.findById(userId)
  if (user === undefined) throw noRefreshToken()
  const isAnonymous = user.identities.every((identity) => identity.provider_type === 'anon-user')
  if (user.type === 'server' || isAnonymous)
    throw new AppError('BadRequest', 'anonymous and server users cannot have API keys')
  return ObjectId.createFromHexString(userId)
}

function readName(request: HostRequest): string {
  const name = textField(readDocument(request), 'name')
  if (name === undefined) throw new UncodedError(400, "'name' is a required string")
  if (!keyName.test(name))
    throw new AppError('InvalidParameter', 'can only contain ASCII letters, numbers, underscores, and hyphens')
  return name
}

function toAnswer(key: ApiKeyView) {
  return { _id: key.id, name: key.name, disabled: key.disabled }
}
