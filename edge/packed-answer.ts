/** An answer on its way out of a Durable Object: small ones as bytes, so that their length stays known. */
export type PackedAnswer =
  | { kind: 'bytes'; status: number; headers: string[][]; body: Uint8Array | null }
  | { kind: 'stream'; response: Response; length: number | undefined }

const maxBytes = 1024 * 1024

export async function packAnswer(response: Response): Promise<PackedAnswer> {
  const header = response.headers.get('content-length')
  const length = header === null ? undefined : Number(header)
  const isSmall = response.body === null || (length !== undefined && length <= maxBytes)
  if (!isSmall) return { kind: 'stream', response, length }
  const body = response.body === null ? null : new Uint8Array(await response.arrayBuffer())
  return { kind: 'bytes', status: response.status, headers: [...response.headers], body }
}

export function unpackAnswer(answer: PackedAnswer): Response {
  if (answer.kind === 'bytes') {
    const body = answer.body === null ? null : new Uint8Array(answer.body)
    const headers = new Headers()
    for (const [name = '', value = ''] of answer.headers) headers.append(name, value)
    return new Response(body, { status: answer.status, headers })
  }
  const { response, length } = answer
  if (length === undefined || response.body === null) return response
  // A stream of a stated length is sent with Content-Length instead of in chunks.
  const fixed = new FixedLengthStream(length)
  response.body.pipeTo(fixed.writable).catch(() => {})
  return new Response(fixed.readable, response)
}
