import { AppError } from '../errors.ts'
import type { Invocation } from './invocation.ts'

/** Asked for by `await`, by printing and by serialising, none of which is an action. */
const noActions = new Set<PropertyKey>(['then', 'toJSON', 'toBSON', '_bsontype', 'constructor', 'prototype'])

function refusal(invocation: Invocation, refuse: () => AppError): unknown {
  const refused = invocation.run(() => Promise.reject(refuse()))
  return new Proxy(refused, {
    get(target, key) {
      const own: unknown = Reflect.get(target, key)
      if (typeof own === 'function') return own.bind(target)
      return typeof key === 'symbol' || noActions.has(key) ? own : () => refused
    },
  })
}

/**
 * `context.services.get(name)` of a third-party service that ended with App Services (`twilio`, `aws`, `gcm`,
 * `github`, ...). It is there, since files that never reach it must run; every action of it rejects by name, also one of
 * a sub-service, as in `aws.s3(region).PutObject(...)`.
 */
export function createUnservedService(invocation: Invocation, name: string, type: string): object {
  const refuse = () =>
    new AppError('ServiceTypeNotFound', `the service "${name}" has the type "${type}", which is not served here`)
  return new Proxy(
    {},
    {
      get(target, key) {
        if (typeof key === 'symbol' || noActions.has(key) || Reflect.has(target, key)) return Reflect.get(target, key)
        return () => refusal(invocation, refuse)
      },
    },
  )
}
