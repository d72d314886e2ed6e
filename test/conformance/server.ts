import type { Document, MongoClient } from 'mongodb'
import type { RunOnRequirement } from './format.ts'

/** What the requirements of a test are held against. */
export interface ServerFacts {
  readonly version: readonly [number, number, number]
  readonly topology: 'single' | 'replicaset' | 'sharded' | 'load-balanced'
  readonly parameters: Document
  readonly authenticated: boolean
}

/** Asks `hello`, `buildInfo` and `getParameter`; a server that refuses the last has no parameters. */
export async function readServerFacts(client: MongoClient): Promise<ServerFacts> {
  const admin = client.db('admin')
  const hello = await admin.command({ hello: 1 })
  const { versionArray } = await admin.command({ buildInfo: 1 })
  const parameters = await admin.command({ getParameter: '*' }).catch(() => ({}))
  return {
    version: [Number(versionArray[0]), Number(versionArray[1]), Number(versionArray[2])],
    topology: client.options.loadBalanced
      ? 'load-balanced'
      : hello.msg === 'isdbgrid'
        ? 'sharded'
        : hello.setName
          ? 'replicaset'
          : 'single',
    parameters,
    authenticated: client.options.credentials !== undefined,
  }
}

/**
 * Why none of `requirements` allows the test on this server, as the name of a group; undefined when one does.
 * Of several, the one that comes closest names the group: topology and authentication before version.
 */
export function unmetRequirement(
  requirements: readonly RunOnRequirement[] | undefined,
  server: ServerFacts,
): string | undefined {
  if (!requirements || requirements.length === 0) return undefined
  const reasons = requirements.map((requirement) => unmet(requirement, server))
  if (reasons.includes(undefined)) return undefined
  return reasons.find((reason) => reason?.startsWith('server version')) ?? reasons[0]
}

function unmet(requirement: RunOnRequirement, server: ServerFacts): string | undefined {
  const topologies = requirement.topologies?.map((name) => (name === 'sharded-replicaset' ? 'sharded' : name))
  if (topologies && !topologies.includes(server.topology)) return `topology: ${topologies.join(' or ')}`
  if (requirement.serverless === 'require') return 'topology: serverless'
  if (requirement.auth !== undefined && requirement.auth !== server.authenticated) {
    return `authentication: ${requirement.auth ? 'required' : 'forbidden'}`
  }
  if (requirement.authMechanism !== undefined) {
    const mechanisms: unknown[] = server.parameters.authenticationMechanisms ?? []
    const wanted = requirement.authMechanism.toLowerCase()
    if (!mechanisms.some((name) => String(name).toLowerCase() === wanted)) return `authentication: ${wanted}`
  }
  if (requirement.csfle !== undefined && requirement.csfle !== false) return 'missing feature: client-side encryption'
  const { minServerVersion, maxServerVersion } = requirement
  if (minServerVersion !== undefined && compareVersions(server.version, parseVersion(minServerVersion)) < 0) {
    return `server version: ${minServerVersion} or later`
  }
  if (maxServerVersion !== undefined && compareVersions(server.version, parseVersion(maxServerVersion)) > 0) {
    return `server version: ${maxServerVersion} or earlier`
  }
  for (const [name, value] of Object.entries(requirement.serverParameters ?? {})) {
    // bson classes and plain numbers print alike, which is the format's flexible numeric comparison.
    if (!(name in server.parameters) || String(server.parameters[name]) !== String(value)) {
      return `server parameter: ${name}`
    }
  }
  return undefined
}

function parseVersion(text: string): readonly [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map((part) => Number.parseInt(part, 10))
  return [major, minor, patch]
}

function compareVersions(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((part, index) => part !== b[index])
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0)
}
