import ipaddr from 'ipaddr.js'

/** A set of addresses, as CIDR ranges or single addresses. */
export interface AddressRanges {
  /** False for what is no address: who cannot be placed is outside. */
  includes(address: string): boolean
}

/** @throws {TypeError} naming the range that cannot be read */
export function parseAddressRanges(ranges: readonly string[]): AddressRanges {
  const parsed = ranges.map(parseRange)
  return {
    includes(address) {
      const [withoutZone = ''] = address.split('%')
      if (!ipaddr.isValid(withoutZone)) return false
      // An IPv4 caller of a socket that listens on both is written as IPv6.
      const known = ipaddr.process(withoutZone)
      return parsed.some(([range, bits]) => known.kind() === range.kind() && known.match(range, bits))
    },
  }
}

function parseRange(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  // Shorter spellings (`10.1`, `010.0.0.1`) mean other addresses to other readers.
  const [address = ''] = text.split('/')
  const isFull = ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address)
  if (!isFull) throw new TypeError(`"${text}" is not an address range such as 203.0.113.0/24`)
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text)
  if (text.includes('/')) throw new TypeError(`"${text}" is not an address range such as 203.0.113.0/24`)
  const single = ipaddr.parse(text)
  return [single, single.kind() === 'ipv4' ? 32 : 128]
}
