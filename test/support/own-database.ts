import type { MongoClient } from 'mongodb'

/** A client whose `bi_dashboard` is another database, so that tests and benchmarks may share a server and touch nothing. */
export function withOwnDatabase(client: MongoClient, database: string): MongoClient {
  return new Proxy(client, {
    get(target, property) {
      if (property === 'db')
        return (name?: string, options?: object) => target.db(name === 'bi_dashboard' ? database : name, options)
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
