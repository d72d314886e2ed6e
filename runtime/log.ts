/** One structured log line; `type` as in App Services logs. Never holds a secret, a token or a credential header. */
export interface LogEntry {
  type: 'function' | 'endpoint' | 'trigger' | 'auth' | 'data-api' | 'system'
  status: 'ok' | 'error'
  name?: string
  requestId?: string
  userId?: string
  error?: string
  stack?: string
  /** At most 25 lines of at most 512 bytes. */
  logs?: string[]
  durationMs?: number
  detail?: Record<string, unknown>
}

export type Log = (entry: LogEntry) => void
