import { AppError } from '../../runtime/errors.ts'
import type { Subjects } from '../../runtime/limits/limiter.ts'
import type { Verdict } from '../../runtime/limits/verdict.ts'
import type { AppDefinition } from '../../schemas/app/definition.ts'
import type { Door } from '../../schemas/edge-settings.ts'
import { type HostRequest, headerOf } from '../host-request.ts'
import type { HostContext } from './host-context.ts'

const readActions: ReadonlySet<string> = new Set(['find', 'findOne', 'aggregate'])

/**
 * Counts a request at its door.
 *
 * @returns the headers that tell the client where it stands; none where no policy applies
 * @throws {AppError} status 503 where a policy that fails closed cannot be decided; a `LimitExceeded`
 */
export async function admit(context: HostContext, request: HostRequest): Promise<LimitHeaders> {
  const door = doorOf(request, context.runtime.built.definition)
  if (door === undefined) return {}
  const verdicts = await context.limiter.hit(door, subjectsOf(request))
  const [tightest] = verdicts.sort(
    (a, b) => Number(a.allowed) - Number(b.allowed) || a.remaining / a.policy.limit - b.remaining / b.policy.limit,
  )
  if (tightest === undefined) return {}
  if (!tightest.allowed) throw new LimitExceeded(tightest)
  return headersOf(tightest)
}

export type LimitHeaders = Readonly<Record<string, string>>

/** The refusal of a hit beyond a limit, with the headers that go out with it. */
export class LimitExceeded extends AppError {
  readonly headers: LimitHeaders

  constructor(verdict: Verdict) {
    super('BadRequest', 'too many requests', {
      status: 429,
      retryAfterSeconds: Math.max(1, seconds(verdict.resetMs)),
      detail: { policy: verdict.policy.name },
    })
    this.headers = headersOf(verdict)
  }
}

/** Rounded up: a client that comes back when told must find room. */
function seconds(ms: number): number {
  return Math.ceil(ms / 1000)
}

/** Draft of the IETF's RateLimit header fields (spec: clients 6.3). */
function headersOf({ policy, remaining, resetMs }: Verdict): LimitHeaders {
  return {
    RateLimit: `"${policy.name}";r=${remaining};t=${seconds(resetMs)}`,
    'RateLimit-Policy': `"${policy.name}";q=${policy.limit};w=${policy.windowSeconds}`,
  }
}

function doorOf({ operation, method }: HostRequest, definition: AppDefinition): Door | undefined {
  switch (operation.kind) {
    case 'ready':
      return undefined
    case 'login':
    case 'oauth-start':
    case 'oauth-callback':
    case 'userpass':
      return 'login'
    case 'data-api':
      return readActions.has(operation.action) ? 'read' : 'write'
    case 'endpoint':
      if (definition.endpoints[operation.index]?.validation_method === 'VERIFY_PAYLOAD') return 'sync'
      return method === 'GET' ? 'read' : 'write'
    case 'session':
      return operation.method === 'POST' ? 'read' : 'write'
    case 'api-keys':
      return operation.method === 'GET' ? 'read' : 'write'
    case 'profile':
      return 'read'
    case 'delete-user':
      return 'write'
    case 'call':
      // What a function does is not known before it runs.
      return method === 'GET' ? 'read' : 'write'
  }
}

/** Before any of them is looked up: a wrong key has its own account, and the address counts them all. */
function subjectsOf(request: HostRequest): Subjects {
  const { bearer, remoteAddress } = request
  const key = headerOf(request, 'apikey') ?? headerOf(request, 'api-key') ?? ''
  const username = headerOf(request, 'email') ?? ''
  const bearerUser =
    bearer.state === 'access' || bearer.state === 'refresh'
      ? bearer.claims.userId
      : bearer.state === 'external'
        ? `${bearer.claims.issuer} ${bearer.claims.subject}`
        : ''
  const user = bearerUser === '' ? username : bearerUser
  return {
    ...(remoteAddress !== '' && { address: remoteAddress }),
    ...(bearer.state === 'none' && key !== '' && { key }),
    ...(user !== '' && { user }),
  }
}
