import { Binary } from 'bson'

/**
 * `BSON.Binary` as functions know it: bson's class and the readers of the function runtime. Request bodies,
 * `context.http` bodies, `utils.crypto` results and stored binaries all arrive as this (spec: function runtime 4).
 */
export class FunctionBinary extends Binary {
  /** The bytes as UTF-8; bytes that are none become U+FFFD. */
  text(): string {
    return new TextDecoder().decode(this.value())
  }

  toHex(): string {
    return this.toString('hex')
  }

  toBase64(): string {
    return this.toString('base64')
  }

  /** @throws {TypeError} when `hex` is not an even number of hex digits */
  static fromHex(hex: string, subType?: number): FunctionBinary {
    if (typeof hex !== 'string' || hex.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(hex))
      throw new TypeError('Binary.fromHex: the argument is not a hex string')
    return FunctionBinary.of(Binary.createFromHexString(hex, subType))
  }

  /** @throws {TypeError} when `base64` is not padded base64 */
  static fromBase64(base64: string, subType?: number): FunctionBinary {
    if (typeof base64 !== 'string' || base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64))
      throw new TypeError('Binary.fromBase64: the argument is not padded base64')
    return FunctionBinary.of(Binary.createFromBase64(base64, subType))
  }

  static fromText(text: string): FunctionBinary {
    return new FunctionBinary(new TextEncoder().encode(String(text)))
  }

  /** The same bytes and sub-type, with the readers. */
  static of(binary: Binary): FunctionBinary {
    return new FunctionBinary(binary.value(), binary.sub_type)
  }
}

/** A body as endpoint functions and `context.http` hand it out. */
export function createBody(bytes: Uint8Array): FunctionBinary {
  return new FunctionBinary(bytes)
}
