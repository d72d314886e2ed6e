import type { Collection, Db, Document, MongoClient } from 'mongodb'

/** What a run does to its database, as seen from the outside. */
export interface Stop {
  /** Writes until now, the one that stopped the run included. */
  writes: number
  /** The write at which the run stops; it and everything after it fails. */
  readonly at: number
  /** Whether that write still reaches the database: a process may end before or after the answer. */
  readonly applied: boolean
}

export const neverStops = (): Stop => ({ writes: 0, at: Number.POSITIVE_INFINITY, applied: false })

const writing = new Set([
  'insertOne',
  'insertMany',
  'updateOne',
  'updateMany',
  'replaceOne',
  'deleteOne',
  'deleteMany',
  'bulkWrite',
  'findOneAndUpdate',
  'findOneAndReplace',
  'findOneAndDelete',
])

function isWrite(method: PropertyKey, args: readonly unknown[]): boolean {
  if (method !== 'aggregate') return writing.has(String(method))
  const [pipeline] = args
  return Array.isArray(pipeline) && pipeline.some((stage: Document) => '$merge' in stage || '$out' in stage)
}

type Method = (...args: unknown[]) => unknown

/** Wraps every method of `target` that is called, others included: a dead process reads nothing either. */
function watched<T extends object>(
  target: T,
  call: (name: PropertyKey, method: Method, args: unknown[]) => unknown,
): T {
  return new Proxy(target, {
    get(inner, property) {
      const value: unknown = Reflect.get(inner, property, inner)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => call(property, (...given) => Reflect.apply(value, inner, given), args)
    },
  })
}

/**
 * A client for one run of a job, which ends like a killed process: at the write that `stop` names, and for ever. Calls
 * `tick` before every operation.
 */
export function stoppingClient(client: MongoClient, stop: Stop, tick: () => void = () => {}): MongoClient {
  const collectionOf = (collection: Collection): Collection =>
    watched(collection, (name, method, args) => {
      tick()
      if (stop.writes >= stop.at) throw new Error('stopped')
      if (!isWrite(name, args)) return method(...args)
      stop.writes += 1
      if (stop.writes < stop.at) return method(...args)
      if (!stop.applied) throw new Error('stopped')
      return Promise.resolve(method(...args)).then(() => {
        throw new Error('stopped')
      })
    })
  return new Proxy(client, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (property !== 'db') return typeof value === 'function' ? value.bind(target) : value
      return (...args: [string?, object?]): Db =>
        new Proxy(target.db(...args), {
          get(db, name) {
            if (name === 'collection') return (collection: string) => collectionOf(db.collection(collection))
            const member: unknown = Reflect.get(db, name, db)
            return typeof member === 'function' ? member.bind(db) : member
          },
        })
    },
  })
}
