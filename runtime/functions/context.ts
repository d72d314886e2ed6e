import type { AppDefinition } from '../../schemas/app/definition.ts'
import type { Caller } from '../caller.ts'
import type { Runtime } from '../runtime.ts'
import { createHttpClient } from './http/client.ts'
import { caseInsensitiveHeaders } from './http/headers.ts'
import type { Invocation } from './invocation.ts'
import { FunctionMongoService } from './mongodb/service.ts'
import { createUnservedService } from './unserved-service.ts'
import { userView } from './user-view.ts'

/** What one function of a run is called with. */
export interface Frame {
  readonly runtime: Runtime
  readonly invocation: Invocation
  /** Identity and elevation of this function, run-as settings applied. */
  readonly caller: Caller
  /** When the app was loaded. */
  readonly lastDeployed: Date
  /** Calls another function of the app and returns what it returns. */
  execute(name: string, args: readonly unknown[]): unknown
}

function appView(definition: AppDefinition, lastDeployed: Date): unknown {
  return {
    id: definition.appId,
    clientAppId: definition.clientAppId,
    name: definition.name,
    projectId: definition.groupId,
    deployment: { model: definition.deploymentModel, providerRegion: definition.providerRegion },
    lastDeployed: lastDeployed.toISOString(),
  }
}

function requestView(caller: Caller): unknown {
  const { requestHeaders, ...request } = caller.request
  return requestHeaders === undefined ? request : { ...request, requestHeaders: caseInsensitiveHeaders(requestHeaders) }
}

/** A copy of a value of the app, so that a function cannot change it for later calls. */
function copied(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? structuredClone(value) : value
}

/** Members made on first use: rules call functions once a document, most of which read little of the context. */
function lazily(members: Readonly<Record<string, () => unknown>>): object {
  const object = {}
  for (const [name, make] of Object.entries(members))
    Object.defineProperty(object, name, {
      configurable: true,
      enumerable: true,
      get() {
        const value = make()
        Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true })
        return value
      },
      set(value) {
        Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true })
      },
    })
  return object
}

function httpClient({ runtime, invocation }: Frame): object {
  return createHttpClient(invocation, {
    fetch: runtime.options.fetch,
    allowPrivateHosts: runtime.options.allowPrivateHosts ?? false,
  })
}

/** The service of a name: a data source, or what stands for a third-party service; undefined when there is none. */
function serviceOf(frame: Frame, name: string): object | undefined {
  const { runtime, invocation, caller } = frame
  const { dataSources, thirdPartyServices = {} } = runtime.built.definition
  const source = dataSources.find((candidate) => candidate.name === name)
  if (source !== undefined) return new FunctionMongoService({ invocation, data: runtime.dataAccess(caller) }, source)
  const type = Object.hasOwn(thirdPartyServices, name) ? thirdPartyServices[name] : undefined
  if (type === undefined) return undefined
  return type === 'http' ? httpClient(frame) : createUnservedService(invocation, name, type)
}

function servicesView(frame: Frame): unknown {
  const services = new Map<string, object | undefined>()
  return {
    get(name: string) {
      if (!services.has(name)) services.set(name, serviceOf(frame, name))
      return services.get(name)
    },
  }
}

/** `context` of one function of one run (spec: function runtime 3). Nothing in it is shared with another run. */
export function createContext(frame: Frame): unknown {
  const { runtime, caller } = frame
  const { definition } = runtime.built
  return lazily({
    functions: () => ({ execute: (name: string, ...args: unknown[]) => frame.execute(name, args) }),
    services: () => servicesView(frame),
    values: () => ({ get: (name: string) => copied(runtime.value(name)) }),
    environment: () => ({ tag: definition.environment, values: copied(definition.environmentValues) }),
    user: () => userView(caller.user),
    app: () => appView(definition, frame.lastDeployed),
    request: () => requestView(caller),
    http: () => httpClient(frame),
    runningAsSystem: () => () => caller.runAsSystem,
  })
}
