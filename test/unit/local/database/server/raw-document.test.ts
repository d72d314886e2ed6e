import { serialize } from 'bson'
import { describe, expect, it } from 'vitest'
import { assertSound } from '../../../../../local/database/storage/raw-document.ts'

describe('the check of stored bytes', () => {
  it.each<[string, (bytes: Buffer) => void]>([
    ['a nested document that is longer than its place', (bytes) => bytes.writeInt32LE(99, 7)],
    ['a nested document without its end', (bytes) => bytes.writeUInt8(1, bytes.length - 2)],
    ['a nested value of no known type', (bytes) => bytes.writeUInt8(0x55, 11)],
    ['a nested text longer than its document', (bytes) => bytes.writeInt32LE(77, 14)],
  ])('refuses %s', (_, damage) => {
    const bytes = Buffer.from(serialize({ a: { b: 'x' } }))
    expect(assertSound(bytes, 0, bytes.length)).toBe(bytes.length)
    damage(bytes)
    expect(() => assertSound(bytes, 0, bytes.length)).toThrow(/Invalid BSON/)
  })
})
