import { AppError } from '../../errors.ts'

type Range = readonly [base: string, bits: number]

/** Loopback, private, link-local, shared, test, multicast and reserved networks (IANA special-purpose registry). */
const privateIpv4: readonly Range[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]

/** Names that stand for this host, its network or a cloud's metadata service. */
const privateNames = ['localhost', 'local', 'internal', 'localdomain', 'home.arpa', 'intranet', 'lan', 'corp', 'home']

function ipv4Number(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0)
}

function isPrivateIpv4(address: number): boolean {
  return privateIpv4.some(([base, bits]) => {
    const size = 2 ** (32 - bits)
    return Math.floor(address / size) === Math.floor(ipv4Number(base) / size)
  })
}

/** Eight groups of an address as `URL` prints it: lower case, compressed, no dotted part. */
function ipv6Groups(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const parse = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const start = parse(head)
  if (tail === undefined) return start
  const end = parse(tail)
  return [...start, ...Array<number>(8 - start.length - end.length).fill(0), ...end]
}

function isPrivateIpv6(address: string): boolean {
  const groups = ipv6Groups(address)
  const [first = 0, second = 0, third = 0] = groups
  const lastIpv4 = (groups[6] ?? 0) * 0x1_0000 + (groups[7] ?? 0)
  const startsWithZeros = (count: number) => groups.slice(0, count).every((group) => group === 0)
  // Unspecified, loopback, IPv4-compatible and IPv4-mapped.
  if (startsWithZeros(5) && (groups[5] === 0 || groups[5] === 0xffff)) return groups[5] === 0 || isPrivateIpv4(lastIpv4)
  // NAT64 and 6to4 carry an IPv4 address.
  if (first === 0x64 && second === 0xff9b) return third !== 0 || isPrivateIpv4(lastIpv4)
  if (first === 0x2002) return isPrivateIpv4(second * 0x1_0000 + third)
  // Global unicast is 2000::/3; Teredo and documentation addresses lie in it.
  if ((first & 0xe000) !== 0x2000) return true
  return first === 0x2001 && (second === 0 || second === 0xdb8)
}

/** True when a host name or address literal, as `URL.hostname` prints it, is not on the public internet. */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, '')
  if (host.startsWith('[')) return isPrivateIpv6(host.slice(1, -1))
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return isPrivateIpv4(ipv4Number(host))
  // A name without a dot can only be of the own network.
  return !host.includes('.') || privateNames.some((name) => host.endsWith(`.${name}`))
}

/** Where clouds hand out credentials to whoever runs on the machine: link-local addresses, and some of their own. */
const metadataAddresses: readonly string[] = ['100.100.100.200', '[fd00:ec2::254]', '[fd20:ce::254]']
const metadataNames: readonly string[] = ['metadata', 'instance-data', 'metadata.google.internal']

/** True for a cloud's metadata service, which no development needs. */
export function isMetadataHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, '')
  if (metadataAddresses.includes(host) || metadataNames.includes(host) || host.startsWith('169.254.')) return true
  if (!host.startsWith('[')) return false
  const groups = ipv6Groups(host.slice(1, -1))
  const isLinkLocal = ((groups[0] ?? 0) & 0xffc0) === 0xfe80
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  return isLinkLocal || (isMapped && groups[6] === 0xa9fe)
}

/** @throws {AppError} `InvalidParameter` for a scheme other than HTTP, `RestrictedHost` for a metadata or private address */
export function assertReachable(url: URL, allowPrivateHosts: boolean): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new AppError('InvalidParameter', `context.http: the scheme "${url.protocol.slice(0, -1)}" is not supported`)
  if (isMetadataHost(url.hostname) || (!allowPrivateHosts && isPrivateHost(url.hostname)))
    throw new AppError('RestrictedHost', `context.http: requests to "${url.hostname}" are not allowed`)
}
