/** A JSON answer whose length is known: small clients cannot read chunks. */
export function jsonAnswer(value: unknown, status = 200): Response {
  return textAnswer(JSON.stringify(value), 'application/json', status)
}

export function textAnswer(text: string, contentType: string, status = 200): Response {
  return bytesAnswer(new TextEncoder().encode(text), contentType, status)
}

export function bytesAnswer(bytes: Uint8Array, contentType: string, status = 200): Response {
  const headers = { 'Content-Type': contentType, 'Content-Length': String(bytes.length) }
  return new Response(bytes, { status, headers })
}

/** No body and no content type: the Web SDK refuses any type but JSON. */
export function emptyAnswer(status = 204): Response {
  return new Response(null, { status })
}
