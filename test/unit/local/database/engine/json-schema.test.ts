import { describe, expect, it } from 'vitest'
import { toDoc } from '../../../../../local/database/bson/value.ts'
import { compileJsonSchema } from '../../../../../local/database/engine/json-schema/index.ts'
import { createEnv, outcome, show, shown } from '../support.ts'

const validated = (schema: object, doc: object): string =>
  outcome(() => {
    const failure = compileJsonSchema(toDoc(schema), createEnv())(toDoc(doc))
    return failure === null ? 'valid' : show(failure)
  })

const failing = (...rules: object[]): string => shown({ operatorName: '$jsonSchema', schemaRulesNotSatisfied: rules })

describe('$jsonSchema', () => {
  it.each([
    [{ required: ['a'] }, { a: 1 }, 'valid'],
    [{ properties: { a: { multipleOf: 0.1 } } }, { a: 0.3 }, 'valid'],
    [{ properties: { a: { bsonType: 'int' } } }, {}, 'valid'],
    [
      { required: ['b', 'a'] },
      { b: 1 },
      failing({ operatorName: 'required', specifiedAs: { required: ['b', 'a'] }, missingProperties: ['a'] }),
    ],
    [
      { properties: { a: { bsonType: 'string', description: 'a text' } } },
      { a: 1 },
      failing({
        operatorName: 'properties',
        propertiesNotSatisfied: [
          {
            propertyName: 'a',
            description: 'a text',
            details: [
              {
                operatorName: 'bsonType',
                specifiedAs: { bsonType: 'string' },
                reason: 'type did not match',
                consideredValue: 1,
                consideredType: 'int',
              },
            ],
          },
        ],
      }),
    ],
    [
      { additionalProperties: false, properties: { a: {} } },
      { a: 1, z: 2 },
      failing({
        operatorName: 'additionalProperties',
        specifiedAs: { additionalProperties: false },
        additionalProperties: ['z'],
      }),
    ],
    [
      { properties: { a: { enum: [1, 2] } } },
      { a: 3 },
      failing({
        operatorName: 'properties',
        propertiesNotSatisfied: [
          {
            propertyName: 'a',
            details: [
              {
                operatorName: 'enum',
                specifiedAs: { enum: [1, 2] },
                reason: 'value was not found in enum',
                consideredValue: 3,
              },
            ],
          },
        ],
      }),
    ],
    [{ foo: 1 }, {}, '9 Unknown $jsonSchema keyword: foo'],
    [{ format: 'email' }, {}, "9 $jsonSchema keyword 'format' is not currently supported"],
  ])('%j judges %j', (schema, doc, expected) => {
    expect(validated(schema, doc)).toBe(expected)
  })
})
