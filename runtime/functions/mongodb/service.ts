import type { DataSource } from '../../../schemas/app/definition.ts'
import { AppError } from '../../errors.ts'
import { FunctionCollection, type ServiceScope } from './collection.ts'
import { FunctionCursor } from './cursor.ts'
import { deferredList } from './deferred-list.ts'
import { notAvailable } from './errors.ts'
import { documentList, readOptions } from './options.ts'
import { FunctionSession } from './session.ts'

class FunctionDatabase {
  readonly #scope: ServiceScope
  readonly #service: string
  readonly #database: string

  constructor(scope: ServiceScope, service: string, database: string) {
    this.#scope = scope
    this.#service = service
    this.#database = database
  }

  get name(): string {
    return this.#database
  }

  collection(name: string): FunctionCollection {
    return new FunctionCollection(this.#scope, {
      service: this.#service,
      database: this.#database,
      collection: nameArgument(name, 'collection'),
    })
  }

  aggregate(pipeline?: unknown, options?: unknown): FunctionCursor {
    const stages = documentList(pipeline ?? [], 'the pipeline')
    const { data, invocation } = this.#scope
    return new FunctionCursor(
      invocation,
      (given) => data.aggregateDatabase(this.#service, this.#database, stages, given),
      readOptions(undefined, options ?? {}),
    )
  }

  getCollectionNames(): Promise<string[]> {
    const { data, invocation } = this.#scope
    const names = invocation.run(() => data.listCollectionNames(this.#service, this.#database))
    return deferredList('db.getCollectionNames()', names)
  }

  command(): Promise<unknown> {
    return this.#refuse('command')
  }

  runCommand(): Promise<unknown> {
    return this.#refuse('runCommand')
  }

  #refuse(method: string): Promise<unknown> {
    return this.#scope.invocation.run(() =>
      Promise.reject(notAvailable(`db.${method}()`, 'use the methods of a collection')),
    )
  }
}

/** `context.services.get(name)` of a MongoDB data source. */
export class FunctionMongoService {
  readonly #scope: ServiceScope
  readonly #source: DataSource

  constructor(scope: ServiceScope, source: DataSource) {
    this.#scope = scope
    this.#source = source
  }

  db(name: string): FunctionDatabase {
    this.#assertServed()
    return new FunctionDatabase(this.#scope, this.#source.name, nameArgument(name, 'database'))
  }

  admin(): { getDBNames(): Promise<string[]> } {
    this.#assertServed()
    const { data, invocation } = this.#scope
    return {
      getDBNames: () =>
        deferredList(
          'admin().getDBNames()',
          invocation.run(() => data.listDatabaseNames(this.#source.name)),
        ),
    }
  }

  startSession(): FunctionSession {
    this.#assertServed()
    const { data, invocation } = this.#scope
    return new FunctionSession(invocation, data.startSession(this.#source.name))
  }

  #assertServed(): void {
    if (this.#source.type !== 'mongodb-atlas')
      throw new AppError(
        'ServiceTypeNotFound',
        `the data source "${this.#source.name}" has the type "${this.#source.type}", which is not served here`,
      )
  }
}

function nameArgument(name: unknown, what: string): string {
  if (typeof name !== 'string' || name === '') throw new TypeError(`the ${what} name must be a non-empty string`)
  return name
}
