import type { ReturnType } from '../schemas/app/definition.ts'

/** Format of an answer: what `Accept` names first by quality, else the configured one (spec: Data API 3). */
export function chooseFormat(accept: string | undefined, fallback: ReturnType): ReturnType {
  let best: { format: ReturnType; quality: number } | undefined
  for (const part of (accept ?? '').split(',')) {
    const [type, ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    const format = type === 'application/ejson' ? 'EJSON' : type === 'application/json' ? 'JSON' : undefined
    if (format === undefined) continue
    const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1)
    if (quality > 0 && (best === undefined || quality > best.quality)) best = { format, quality }
  }
  return best?.format ?? fallback
}

export const contentTypes: Record<ReturnType, string> = { JSON: 'application/json', EJSON: 'application/ejson' }
