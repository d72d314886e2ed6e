import { Binary, BSONRegExp, Code, Decimal128, Double, Int32, Long, MaxKey, MinKey, ObjectId, Timestamp } from 'bson'
import { COLLECTION } from './generate/collection-name.ts'
import type { Scenario } from './scenario.ts'

/** A scenario as statements of the official driver, ready to paste (`db` and the BSON classes are in scope). */
export function toSnippet({ options, indexes, documents, commands }: Scenario): string {
  const lines = [`await db.dropCollection('${COLLECTION}')`]
  if (options.size > 0) lines.push(`await db.command(${source(new Map([['create', COLLECTION], ...options]))})`)
  for (const index of indexes) {
    lines.push(`await db.command({ createIndexes: '${COLLECTION}', indexes: [${source(index)}] })`)
  }
  if (documents.length > 0)
    lines.push(`await db.collection('${COLLECTION}').insertMany(${source(documents)}, { ordered: false })`)
  for (const { command } of commands) lines.push(`await db.command(${source(command)})`)
  return lines.join('\n')
}

function source(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(source).join(', ')}]`
  if (value instanceof Map) {
    // A literal would put integer-like keys first.
    const entries = [...value]
    if (entries.some(([key]) => /^\d+$/.test(key)) && entries.length > 1) {
      return `new Map([${entries.map(([key, inner]) => `[${quote(key)}, ${source(inner)}]`).join(', ')}])`
    }
    const fields = entries.map(
      ([key, inner]) => `${/^[$\w]+$/.test(key) && !/^\d/.test(key) ? key : quote(key)}: ${source(inner)}`,
    )
    return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`
  }
  if (typeof value === 'string') return quote(value)
  if (value instanceof Int32) return String(value.value)
  if (value instanceof Double) return `new Double(${Object.is(value.value, -0) ? '-0' : value.value})`
  if (value instanceof Timestamp) return `new Timestamp({ t: ${value.t}, i: ${value.i} })`
  if (value instanceof Long) return `Long.fromString('${value}')`
  if (value instanceof Decimal128) return `Decimal128.fromString('${value}')`
  if (value instanceof Date) return `new Date('${value.toISOString()}')`
  if (value instanceof ObjectId) return `new ObjectId('${value.toHexString()}')`
  if (value instanceof Binary) return `new Binary(Buffer.from('${value.toString('hex')}', 'hex'), ${value.sub_type})`
  if (value instanceof BSONRegExp) return `new BSONRegExp(${quote(value.pattern)}, '${value.options}')`
  if (value instanceof Code) return `new Code(${quote(String(value.code))})`
  if (value instanceof MinKey) return 'new MinKey()'
  if (value instanceof MaxKey) return 'new MaxKey()'
  return String(value)
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
