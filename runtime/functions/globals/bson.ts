import * as bson from 'bson'
import { FunctionBinary } from './binary.ts'

type Constructor = new (...args: never[]) => object

/**
 * `Original` as a function that also works without `new`: `BSON.ObjectId('...')` is what most exported apps write
 * (spec: real apps 2). `instanceof` and static methods hold.
 */
function callable(Original: Constructor, construct?: (...args: never[]) => object): unknown {
  function create(...args: never[]): object {
    return construct === undefined ? new Original(...args) : construct(...args)
  }
  Object.defineProperty(create, 'name', { value: Original.name })
  Object.setPrototypeOf(create, Original)
  create.prototype = Original.prototype
  return create
}

/**
 * `MinKey` and `MaxKey` are written as values by the documentation and as constructors by drivers: both work, the value
 * through the `toBSON` that values on their way to the database or to EJSON are asked for.
 */
function callableValue(Original: Constructor): unknown {
  const value = callable(Original) as object
  Object.defineProperty(value, 'toBSON', { value: () => new Original() })
  return value
}

function createMembers(): Readonly<Record<string, unknown>> {
  const binary = callable(FunctionBinary, (...args: never[]) =>
    Reflect.construct(FunctionBinary, args.length === 0 ? [] : args),
  )
  // A stored value may be bson's own Binary; it has to pass `instanceof BSON.Binary` too.
  Object.defineProperty(binary, Symbol.hasInstance, { value: (value: unknown) => value instanceof bson.Binary })
  return Object.freeze({
    ObjectId: callable(bson.ObjectId),
    ObjectID: callable(bson.ObjectId),
    BSONRegExp: callable(bson.BSONRegExp),
    Binary: binary,
    UUID: callable(bson.UUID),
    Int32: callable(bson.Int32),
    Long: callable(bson.Long),
    Double: callable(bson.Double),
    Decimal128: callable(bson.Decimal128),
    Timestamp: callable(bson.Timestamp, (low: never, high: never) =>
      high === undefined ? new bson.Timestamp(low) : new bson.Timestamp({ t: high, i: low }),
    ),
    Code: callable(bson.Code),
    DBRef: callable(bson.DBRef),
    MinKey: callableValue(bson.MinKey),
    MaxKey: callableValue(bson.MaxKey),
  })
}

const members = createMembers()

/** The `BSON` global of one run. */
export function createBson(): Record<string, unknown> {
  return { ...members }
}
