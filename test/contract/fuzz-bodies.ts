import fc from 'fast-check'

const keys = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    '_id',
    'a',
    'a.b',
    '',
    '$',
    '$set',
    '$inc',
    '$push',
    '$unset',
    '$rename',
    '$where',
    '$gt',
    '$in',
    '$and',
    '$or',
    '$not',
    '$regex',
    '$options',
    '$elemMatch',
    '$expr',
    '$match',
    '$group',
    '$project',
    '$sort',
    '$limit',
    '$lookup',
    '$out',
    '$oid',
    '$date',
    '$numberInt',
    '$numberLong',
    '$numberDouble',
    '$numberDecimal',
    '$binary',
    '$timestamp',
    '$regularExpression',
    '$minKey',
    '$undefined',
    '0',
    '10',
    '1',
    '_bsontype',
    'toBSON',
    'length',
  ),
  fc.string({ maxLength: 6 }),
)

const leaves = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom(1e308, -0, 2 ** 53, 2 ** 63, 1e-320),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '2024-01-01T00:00:00Z',
    '64ff00000000000000000001',
    'ObjectId',
    '%%user.id',
    '$a',
    '$$ROOT',
    '\u0000',
    '\ud800',
  ),
)

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaves,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(keys, tie('value')), { maxLength: 3 }).map(toJsonObject),
  ),
}))

/** Text, so that `__proto__` and duplicate keys go out as they are. */
class Raw {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

function toJsonObject(entries: [string, unknown][]): Raw {
  return new Raw(`{${entries.map(([key, item]) => `${JSON.stringify(key)}:${toText(item)}`).join(',')}}`)
}

function toText(item: unknown): string {
  if (item instanceof Raw) return item.text
  if (Array.isArray(item)) return `[${item.map(toText).join(',')}]`
  return JSON.stringify(item) ?? 'null'
}

const fields = [
  'filter',
  'update',
  'document',
  'documents',
  'replacement',
  'pipeline',
  'projection',
  'sort',
  'limit',
  'skip',
  'upsert',
]

/** Bodies of actions: mostly well-formed targets with arbitrary fields, sometimes arbitrary text. */
export function actionBodies(collection: string): fc.Arbitrary<string> {
  const target = `"dataSource":"mongodb-atlas","database":"wire","collection":${JSON.stringify(collection)}`
  const shaped = fc
    .array(fc.tuple(fc.constantFrom(...fields), value), { maxLength: 5 })
    .map((entries) => `{${[target, ...entries.map(([name, item]) => `"${name}":${toText(item)}`)].join(',')}}`)
  const broken = fc.tuple(shaped, fc.nat()).map(([text, cut]) => text.slice(0, cut % (text.length + 1)))
  const deep = fc
    .integer({ min: 50, max: 3000 })
    .map((depth) => `{${target},"filter":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`)
  return fc.oneof(
    { weight: 12, arbitrary: shaped },
    { weight: 2, arbitrary: broken },
    { weight: 1, arbitrary: value.map(toText) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 1, arbitrary: deep },
  )
}
