import { Decimal128, Double, Int32, Long, ObjectId, UUID } from 'bson'
import { describe, expect, it } from 'vitest'
import type { ExpressionScope } from '../../../../runtime/expression/index.ts'
import { validateDocument } from '../../../../runtime/rules/schema.ts'
import type { JsonObject } from '../../../../schemas/app/definition.ts'
import { users } from '../../../support/rules-app.ts'

const scope: ExpressionScope = {
  user: users.bob,
  request: {},
  environment: { tag: '', values: {} },
  value: () => undefined,
  callFunction: async () => true,
}

const typed = (bsonType: string | string[]): JsonObject => ({ properties: { v: { bsonType } } })
const valued = (rule: JsonObject): JsonObject => ({ properties: { v: rule } })

const accepted: [string, JsonObject, unknown][] = [
  ['an empty schema', {}, 'anything'],
  ['double', typed('double'), new Double(1)],
  ['string', typed('string'), 'a'],
  ['object', typed('object'), { a: 1 }],
  ['array', typed('array'), [1]],
  ['objectId', typed('objectId'), new ObjectId()],
  ['date', typed('date'), new Date()],
  ['bool', typed('bool'), false],
  ['null', typed('null'), null],
  ['int', typed('int'), new Int32(1)],
  ['long', typed('long'), Long.fromNumber(1)],
  ['decimal', typed('decimal'), Decimal128.fromString('1')],
  ['uuid', typed('uuid'), new UUID()],
  ['binData', typed('binData'), new UUID()],
  ['mixed', typed('mixed'), null],
  ['number', typed('number'), Long.fromNumber(1)],
  ['one of several types', typed(['string', 'null']), null],
  ['JSON schema types', valued({ type: 'integer' }), new Double(2)],
  ['enum by value', valued({ enum: [1, 'a'] }), new Int32(1)],
  ['minimum', valued({ minimum: 1 }), new Int32(1)],
  ['exclusive minimum', valued({ minimum: 1, exclusiveMinimum: true }), new Double(1.1)],
  ['maximum of a decimal', valued({ maximum: 1.5 }), Decimal128.fromString('1.5')],
  ['multipleOf', valued({ multipleOf: 0.1 }), new Double(0.3)],
  ['length in characters', valued({ maxLength: 1 }), '😀'],
  ['pattern with a flag', valued({ pattern: '(?i)^a' }), 'Abc'],
  ['items', valued({ items: { bsonType: 'int' } }), [new Int32(1)]],
  [
    'items by position',
    valued({ items: [{ bsonType: 'int' }], additionalItems: { bsonType: 'string' } }),
    [new Int32(1), 'a'],
  ],
  ['unique items', valued({ uniqueItems: true }), [1, '1']],
  ['pattern properties', valued({ patternProperties: { '^s_': { bsonType: 'string' } } }), { s_a: 'x', n: 1 }],
  ['dependencies', valued({ dependencies: { a: ['b'] } }), { a: 1, b: 2 }],
  ['validate', valued({ validate: { '%%this': { '%gt': 1 } } }), new Int32(2)],
  [
    'validate by a function',
    valued({ validate: { '%%true': { '%function': { name: 'f', arguments: ['%%this'] } } } }),
    1,
  ],
]

const refused: [string, JsonObject, unknown, string][] = [
  ['another type', typed('string'), new Int32(1), 'v: Invalid type. Expected: type: string, given: int'],
  ['int for double', typed('double'), new Int32(1), 'v: Invalid type. Expected: type: double, given: int'],
  ['null for an optional field', typed('string'), null, 'v: Invalid type. Expected: type: string, given: null'],
  ['binary for uuid', typed('uuid'), new Uint8Array(16), 'v: Invalid type. Expected: type: uuid, given: binData'],
  ['enum', valued({ enum: ['a'] }), 'b', 'v: does not match one of the allowed values'],
  ['minimum', valued({ minimum: 1 }), new Double(0.5), 'v: Must be greater than 1'],
  ['exclusive maximum', valued({ maximum: 1, exclusiveMaximum: true }), new Int32(1), 'v: Must be less than 1'],
  ['multipleOf', valued({ multipleOf: 2 }), new Int32(3), 'v: Must be a multiple of 2'],
  ['minLength', valued({ minLength: 2 }), 'a', 'v: String length must be at least 2'],
  ['pattern', valued({ pattern: '^a' }), 'b', "v: Does not match pattern '^a'"],
  ['a pattern that is none', valued({ pattern: '(' }), 'b', "v: Does not match pattern '('"],
  [
    'items',
    valued({ items: { bsonType: 'int' } }),
    [new Int32(1), 'a'],
    'v.1: Invalid type. Expected: type: int, given: string',
  ],
  [
    'additional items',
    valued({ items: [{}], additionalItems: false }),
    [1, 2],
    'v: No additional items allowed on array',
  ],
  ['minItems', valued({ minItems: 1 }), [], 'v: Array must have at least 1 items'],
  ['unique items', valued({ uniqueItems: true }), [new Int32(1), new Double(1)], 'v: array items must be unique'],
  ['required inside', valued({ required: ['a'] }), {}, 'v: a is required'],
  ['null where required', valued({ required: ['a'] }), { a: null }, 'v: a is required and may not be null'],
  [
    'an additional property',
    valued({ additionalProperties: false }),
    { x: 1 },
    'v: Additional property x is not allowed',
  ],
  [
    'a typed additional property',
    valued({ additionalProperties: { bsonType: 'int' } }),
    { x: 'a' },
    'v.x: Invalid type. Expected: type: int, given: string',
  ],
  ['maxProperties', valued({ maxProperties: 1 }), { a: 1, b: 1 }, 'v: Must have at most 1 properties'],
  ['dependencies', valued({ dependencies: { a: ['b'] } }), { a: 1 }, 'v: Has a dependency on b'],
  ['dependent schemas', valued({ dependencies: { a: { required: ['c'] } } }), { a: 1 }, 'v: c is required'],
  [
    'validate',
    valued({ validate: { '%%this': { '%gt': '%%root.min' } } }),
    new Int32(2),
    'v: validation expression failed',
  ],
]

describe('App Services schemas', () => {
  it.each(accepted)('accept %s', async (_what, schema, v) => {
    expect(await validateDocument(schema, { _id: 1, v }, undefined, scope)).toEqual([])
  })

  it.each(refused)('refuse %s', async (_what, schema, v, problem) => {
    expect(await validateDocument(schema, { _id: 1, v, min: new Int32(5) }, undefined, scope)).toEqual([problem])
  })

  it('see the value before the write', async () => {
    const schema = valued({ validate: { '%%prev': '%%this' } })
    expect(await validateDocument(schema, { v: 1 }, { v: 1 }, scope)).toEqual([])
    expect(await validateDocument(schema, { v: 2 }, { v: 1 }, scope)).toEqual(['v: validation expression failed'])
    expect(await validateDocument({ validate: { '%%prevRoot.v': 1 } }, { v: 2 }, { v: 1 }, scope)).toEqual([])
  })

  it('require fields at the root, and always allow _id', async () => {
    const schema: JsonObject = { required: ['f', 'g'], properties: {}, additionalProperties: false }
    expect(await validateDocument(schema, { _id: 1 }, undefined, scope)).toEqual([
      '(root): f is required',
      '(root): g is required',
    ])
  })
})
