import type { Doc } from '../../bson/value.ts'
import type { QueryEnv } from '../env.ts'
import { compileSchema } from './schema.ts'

/**
 * Compiles a `$jsonSchema`.
 *
 * @returns null for a valid document, else what `errInfo.details` holds:
 *   `{ operatorName: '$jsonSchema', schemaRulesNotSatisfied: [...] }`
 * @throws {DatabaseError} 9 FailedToParse and 14 TypeMismatch for a schema that MongoDB refuses
 * @see https://www.mongodb.com/docs/manual/reference/operator/query/jsonSchema/
 */
export function compileJsonSchema(schema: Doc, _env: QueryEnv): (doc: Doc) => Doc | null {
  const validate = compileSchema(schema)
  const annotations: [string, string][] = []
  for (const name of ['title', 'description']) {
    const text = schema.get(name)
    if (typeof text === 'string') annotations.push([name, text])
  }
  return (doc) => {
    const failures = validate(doc)
    if (failures.length === 0) return null
    return new Map<string, string | Doc[]>([
      ['operatorName', '$jsonSchema'],
      ...annotations,
      ['schemaRulesNotSatisfied', failures],
    ])
  }
}
