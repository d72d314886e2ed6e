/** `content-type` as Go prints it, `Content-Type`: the form that functions see. */
export function canonicalHeaderName(name: string): string {
  return name
    .split('-')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1).toLowerCase())
    .join('-')
}

/** Headers as functions get them: canonical names, a list of values each, looked up whatever the case. */
export function caseInsensitiveHeaders(headers: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  const own: Record<string, string[]> = {}
  for (const [name, values] of Object.entries(headers)) own[name] = [...values]
  const find = (key: string) => {
    const lower = key.toLowerCase()
    return Object.keys(own).find((name) => name.toLowerCase() === lower)
  }
  return new Proxy(own, {
    get(target, key, receiver) {
      if (typeof key !== 'string' || Reflect.has(target, key)) return Reflect.get(target, key, receiver)
      const name = find(key)
      return name === undefined ? undefined : target[name]
    },
    has: (target, key) => Reflect.has(target, key) || (typeof key === 'string' && find(key) !== undefined),
  })
}

/** The headers of an answer. `Set-Cookie` keeps its values apart. */
export function responseHeaders(headers: Headers): Record<string, string[]> {
  const result: Record<string, string[]> = {}
  for (const [name, value] of headers) {
    const canonical = canonicalHeaderName(name)
    result[canonical] = name === 'set-cookie' ? headers.getSetCookie() : [value]
  }
  return result
}
