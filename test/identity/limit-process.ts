import { startIdentityEdge } from './identity-edge.ts'

/** A second process that serves the same app on Node: its address on stdout, its end with stdin. */
const [, , uri = '', settings = '{}'] = process.argv
const edge = await startIdentityEdge('node', uri, JSON.parse(settings))
process.stdout.write(`${edge.url}\n`)
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
