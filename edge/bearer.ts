import type { Tokens } from '../runtime/users/tokens.ts'
import type { Bearer } from './host-request.ts'

/** Reads an `Authorization` header. Any scheme but Bearer counts as none; another app's token is invalid. */
export async function readBearer(
  header: string | undefined,
  tokens: Pick<Tokens, 'verify'>,
  clientAppId: string,
): Promise<Bearer> {
  const token = /^bearer(?:\s+(.*))?$/i.exec(header?.trim() ?? '')
  if (token === null) return { state: 'none' }
  const verified = await tokens.verify(token[1] ?? '')
  if (verified === undefined || verified.claims.app !== clientAppId) return { state: 'invalid' }
  if (verified.expired) return { state: 'expired' }
  return verified.kind === 'access'
    ? { state: 'access', claims: verified.claims }
    : { state: 'refresh', claims: verified.claims }
}
