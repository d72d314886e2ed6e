import { compareValues, valuesEqual } from '../../bson/compare.ts'
import { int } from '../../bson/value.ts'
import { binary, type Operators } from './define.ts'

export const COMPARISON: Operators = {
  $cmp: binary((a, b, _name, { env }) => int(compareValues(a, b, env.collation))),
  $eq: binary((a, b, _name, { env }) => valuesEqual(a, b, env.collation)),
  $ne: binary((a, b, _name, { env }) => !valuesEqual(a, b, env.collation)),
  $gt: binary((a, b, _name, { env }) => compareValues(a, b, env.collation) > 0),
  $gte: binary((a, b, _name, { env }) => compareValues(a, b, env.collation) >= 0),
  $lt: binary((a, b, _name, { env }) => compareValues(a, b, env.collation) < 0),
  $lte: binary((a, b, _name, { env }) => compareValues(a, b, env.collation) <= 0),
}
