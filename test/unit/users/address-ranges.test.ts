import { describe, expect, it } from 'vitest'
import { parseAddressRanges } from '../../../runtime/users/address-ranges.ts'

describe('address ranges', () => {
  it.each([
    [['203.0.113.0/24'], '203.0.113.7', true],
    [['203.0.113.0/24'], '203.0.114.7', false],
    [['203.0.113.0/24'], '::ffff:203.0.113.7', true],
    [['203.0.113.7'], '203.0.113.7', true],
    [['2001:db8::/32'], '2001:db8::1', true],
    [['2001:db8::/32'], '203.0.113.7', false],
    [['fe80::/10'], 'fe80::1%eth0', true],
    [['0.0.0.0/0'], '', false],
    [['0.0.0.0/0'], 'unknown', false],
    [[], '127.0.0.1', false],
  ])('%j and %s: %s', (ranges, address, expected) => {
    expect(parseAddressRanges(ranges).includes(address)).toBe(expected)
  })

  it.each(['10.1', '010.0.0.1', '203.0.113.0/33', '203.0.113.0/', 'example.com', '', '0x7f.1'])(
    '%j is refused',
    (range) => {
      expect(() => parseAddressRanges([range])).toThrow(TypeError)
    },
  )
})
