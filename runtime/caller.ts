import type { User } from './user.ts'

/** `context.request` and `%%request` (spec: function runtime 3); `{}` for trigger runs. */
export interface RequestInfo {
  remoteIPAddress?: string
  /** Canonical header names (`Content-Type`), each with all its values. */
  requestHeaders?: Record<string, string[]>
  httpMethod?: string
  /** Without a leading `?` and without the `secret` pair. */
  rawQueryString?: string
  httpReferrer?: string
  httpUserAgent?: string
  /** Route of an HTTPS endpoint. */
  webhookUrl?: string
  service?: string
  action?: string
}

/** Who asks, resolved once at the door and passed down; never kept in module state. */
export interface Caller {
  readonly user: User
  /** True: rules, filters and schema validation do not apply. */
  readonly runAsSystem: boolean
  readonly request: RequestInfo
  /** The id that logs and the `link` of an error carry. */
  readonly requestId: string
  /** How many functions this call stands in already; absent for a call from outside. */
  readonly callDepth?: number
}
