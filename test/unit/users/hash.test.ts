import { describe, expect, it } from 'vitest'
import { constantTimeEqual, hashPassword, hmacSha256Hex, verifyPassword } from '../../../runtime/users/hash.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('hashes', () => {
  it.each([
    [
      'Super5ecr3tPa55w0rd',
      '{ "message": "Hello!" }',
      'd4f0537db4e230d7a6028a6f7c3bb1b57c9d16f39176d78697e559ac333e0b36',
    ],
    ['12345', '{"message":"MESSAGE"}', '828ee180512eaf8a6229eda7eea72323f68e9c0f0093b11a578b0544c5777862'],
    [
      '12345',
      '{"dataSource":"mongodb-atlas","database":"learn-data-api","collection":"tasks","filter":{"text":"Do the dishes"}}',
      '769cd86855787f476afc8b0d2cf9837ab0318181fca42f45f34b6dffd086dfc7',
    ],
  ])('signs with %s as the service documents', async (secret, body, expected) => {
    expect(await hmacSha256Hex(secret, bytes(body))).toBe(expected)
  })

  it.each([
    ['a', 'a', true],
    ['a', 'b', false],
    ['a', 'aa', false],
    ['', '', true],
    ['', 'a', false],
  ])('compares %j and %j: %s', async (left, right, expected) => {
    expect(await constantTimeEqual(left, right)).toBe(expected)
  })

  it('salts passwords and verifies them', async () => {
    const [first, second] = await Promise.all([hashPassword('secret one'), hashPassword('secret one')])
    expect(first).not.toBe(second)
    expect(await verifyPassword('secret one', first)).toBe(true)
    expect(await verifyPassword('secret two', first)).toBe(false)
    expect(await verifyPassword('secret one', 'of another scheme')).toBe(false)
  })
})
