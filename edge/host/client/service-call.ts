import type { Document } from 'bson'
import type { Caller } from '../../../runtime/caller.ts'
import { bsonKind, isDocument, isNumberKind } from '../../../runtime/data/bson-kind.ts'
import type { DataAccess, Namespace } from '../../../runtime/data/data-access.ts'
import { getField } from '../../../runtime/ejson/index.ts'
import { AppError } from '../../../runtime/errors.ts'
import type { Runtime } from '../../../runtime/runtime.ts'

/**
 * Runs a collection method that an SDK calls on a data source, `{name, service, arguments: [{database, collection,
 * ...}]}`, under the caller's rules. Results have the shapes of the Web SDK's remote collections.
 *
 * @throws {AppError} `ServiceNotFound`, `ServiceCommandNotFound`, `BadRequest`, and what the data path refuses
 */
export async function callService(
  runtime: Runtime,
  caller: Caller,
  service: string,
  name: string,
  args: readonly unknown[],
): Promise<unknown> {
  const ns = toNamespace(runtime, service, args)
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) throw new AppError('ServiceCommandNotFound', `service command not found: '${name}'`)
  return command(runtime.dataAccess(caller), ns, new Arguments(args))
}

/** The collection that a service call names. @throws {AppError} `ServiceNotFound`, `BadRequest` */
export function toNamespace(runtime: Runtime, service: string, args: readonly unknown[]): Namespace {
  if (!runtime.built.definition.dataSources.some((source) => source.name === service))
    throw new AppError('ServiceNotFound', `service not found: '${service}'`)
  const fields = new Arguments(args)
  return { service, database: fields.text('database'), collection: fields.text('collection') }
}

type Command = (data: DataAccess, ns: Namespace, args: Arguments) => Promise<unknown>

const commands: Readonly<Record<string, Command>> = {
  find: (data, ns, args) =>
    data.find(ns, args.filter(), { ...args.projection(), ...args.optional('sort'), ...args.count('limit') }).toArray(),
  findOne: (data, ns, args) => data.findOne(ns, args.filter(), { ...args.projection(), ...args.optional('sort') }),
  aggregate: (data, ns, args) => data.aggregate(ns, args.documents('pipeline')).toArray(),
  count: (data, ns, args) => data.count(ns, args.filter(), args.count('limit')),
  distinct: (data, ns, args) => data.distinct(ns, args.text('key'), args.filter()),
  insertOne: (data, ns, args) => data.insertOne(ns, args.document('document')),
  insertMany: (data, ns, args) => data.insertMany(ns, args.documents('documents')),
  updateOne: (data, ns, args) => data.updateOne(ns, args.filter(), args.update(), args.writeOptions()),
  updateMany: (data, ns, args) => data.updateMany(ns, args.filter(), args.update(), args.writeOptions()),
  deleteOne: (data, ns, args) => data.deleteOne(ns, args.filter()),
  deleteMany: (data, ns, args) => data.deleteMany(ns, args.filter()),
  findOneAndUpdate: (data, ns, args) =>
    data.findOneAndUpdate(ns, args.filter(), args.update(), { ...args.modifyOptions(), ...args.writeOptions() }),
  // The Web SDK 2.0.1 sends its findOneAndDelete under this name, without a replacement.
  findOneAndReplace: (data, ns, args) =>
    args.has('update')
      ? data.findOneAndReplace(ns, args.filter(), args.document('update'), {
          ...args.modifyOptions(),
          ...args.writeOptions(),
        })
      : data.findOneAndDelete(ns, args.filter(), args.modifyOptions()),
  findOneAndDelete: (data, ns, args) => data.findOneAndDelete(ns, args.filter(), args.modifyOptions()),
}

/** The one object that a service call passes; the field names differ from method to method. */
export class Arguments {
  private readonly fields: Document

  /** @throws {AppError} `BadRequest` */
  constructor(args: readonly unknown[]) {
    const [fields] = args
    if (!isObject(fields)) throw new AppError('BadRequest', 'the first argument of a service call must be an object')
    this.fields = fields
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  text(name: string): string {
    const value = this.get(name)
    if (typeof value !== 'string' || value === '') throw new AppError('BadRequest', `'${name}' must be a string`)
    return value
  }

  document(name: string): Document {
    const value = this.get(name)
    if (!isObject(value)) throw new AppError('BadRequest', `'${name}' must be an object`)
    return value
  }

  documents(name: string): Document[] {
    const value = this.get(name)
    if (!Array.isArray(value) || !value.every(isObject))
      throw new AppError('BadRequest', `'${name}' must be an array of objects`)
    return value
  }

  /** `query` or `filter`, by method; absent = everything. */
  filter(): Document {
    const name = this.has('query') ? 'query' : 'filter'
    return this.has(name) ? this.document(name) : {}
  }

  update(): Document | Document[] {
    return Array.isArray(this.get('update')) ? this.documents('update') : this.document('update')
  }

  /** `project` or `projection`, by method. */
  projection(): { projection?: Document } {
    for (const name of ['project', 'projection']) if (this.has(name)) return { projection: this.document(name) }
    return {}
  }

  optional(name: 'sort'): { sort?: Document } {
    return this.has(name) ? { [name]: this.document(name) } : {}
  }

  count(name: 'limit'): { limit?: number } {
    const value = this.get(name)
    if (value === undefined) return {}
    const number = isNumberKind(bsonKind(value)) ? Number(value) : Number.NaN
    if (!Number.isSafeInteger(number) || number < 0)
      throw new AppError('BadRequest', `'${name}' must be a whole number from 0`)
    return { [name]: number }
  }

  modifyOptions(): { projection?: Document; sort?: Document; returnNewDocument?: boolean } {
    return { ...this.projection(), ...this.optional('sort'), ...this.flag('returnNewDocument') }
  }

  writeOptions(): { upsert?: boolean; arrayFilters?: Document[] } {
    return {
      ...this.flag('upsert'),
      ...(this.has('arrayFilters') && { arrayFilters: this.documents('arrayFilters') }),
    }
  }

  get(name: string): unknown {
    return getField(this.fields, name) ?? undefined
  }

  private flag(name: string): Record<string, boolean> {
    const value = this.get(name)
    if (value === undefined) return {}
    if (typeof value !== 'boolean') throw new AppError('BadRequest', `'${name}' must be a boolean`)
    return { [name]: value }
  }
}

function isObject(value: unknown): value is Document {
  return value instanceof Map || isDocument(value)
}
