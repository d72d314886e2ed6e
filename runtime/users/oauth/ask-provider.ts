import { AppError } from '../../errors.ts'

const timeoutMs = 10_000
const maxAnswerLength = 1_000_000

export interface ProviderAnswer {
  ok: boolean
  /** `{}` for an answer that is no JSON object. */
  body: Readonly<Record<string, unknown>>
}

export interface ProviderQuestion {
  /** Sent as a form, by POST. */
  form?: Readonly<Record<string, string>>
  accessToken?: string
}

/**
 * Asks an identity provider. A redirect counts as a refusal: secrets go to the named address alone.
 *
 * @throws {AppError} status 503 when it does not answer
 */
export async function askProvider(
  send: typeof fetch,
  url: string | URL,
  { form, accessToken }: ProviderQuestion = {},
): Promise<ProviderAnswer> {
  try {
    const response = await send(url, {
      method: form === undefined ? 'GET' : 'POST',
      headers: {
        Accept: 'application/json',
        ...(form !== undefined && { 'Content-Type': 'application/x-www-form-urlencoded' }),
        ...(accessToken !== undefined && { Authorization: `Bearer ${accessToken}` }),
      },
      ...(form !== undefined && { body: new URLSearchParams(form).toString() }),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    const text = await response.text()
    if (response.status >= 500) throw new Error(`status ${response.status}`)
    return { ok: response.ok, body: text.length > maxAnswerLength ? {} : parseObject(text) }
  } catch (cause) {
    throw new AppError('InternalServerError', 'the identity provider does not answer', { status: 503, cause })
  }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A field that is a text and not empty. */
export function textOf(body: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = Object.hasOwn(body, name) ? body[name] : undefined
  return typeof value === 'string' && value !== '' ? value : undefined
}
