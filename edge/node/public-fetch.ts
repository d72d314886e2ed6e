import { lookup as lookupAddress } from 'node:dns/promises'
import { AppError } from '../../runtime/errors.ts'
import { isPrivateHost } from '../../runtime/functions/http/address.ts'

/** Addresses of a name. */
export type Lookup = (hostname: string) => Promise<readonly { address: string }[]>

const systemLookup: Lookup = (hostname) => lookupAddress(hostname, { all: true })

/** As `URL` prints it, which is what `isPrivateHost` reads. */
function hostOf(address: string): string {
  const [withoutZone = ''] = address.split('%')
  return address.includes(':') ? new URL(`http://[${withoutZone}]/`).hostname : address
}

/**
 * `fetch` for functions on a host inside somebody's network: a public name may resolve to a private address, which the
 * runtime, that sees names alone, cannot tell.
 *
 * @throws {AppError} `RestrictedHost`
 */
export function createPublicFetch(send: typeof fetch = fetch, lookup: Lookup = systemLookup): typeof fetch {
  return async (input, init) => {
    const { hostname } = new URL(input instanceof Request ? input.url : input)
    const isLiteral = hostname.startsWith('[') || /^[\d.]+$/.test(hostname)
    const addresses = isLiteral ? [] : await lookup(hostname)
    if (addresses.some(({ address }) => isPrivateHost(hostOf(address))))
      throw new AppError('RestrictedHost', `context.http: requests to "${hostname}" are not allowed`)
    return send(input, init)
  }
}
