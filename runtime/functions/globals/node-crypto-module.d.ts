/** The part of Node's crypto that functions' `utils` needs; workerd has it too (`nodejs_compat`). */
declare module 'node:crypto' {
  interface Hash {
    update(data: Uint8Array): Hash
    digest(): Uint8Array
  }
  interface Cipher {
    update(data: Uint8Array): Uint8Array
    final(): Uint8Array
    getAuthTag(): Uint8Array
    setAuthTag(tag: Uint8Array): void
  }
  interface KeyObject {
    readonly type: 'public' | 'private' | 'secret'
    readonly asymmetricKeyType?: string
  }
  interface KeyInput {
    /** PEM. */
    key: string
    padding?: number
    saltLength?: number
    dsaEncoding?: 'der' | 'ieee-p1363'
  }
  const constants: {
    readonly RSA_PKCS1_PADDING: number
    readonly RSA_PKCS1_PSS_PADDING: number
  }
  function createHash(algorithm: string): Hash
  function createHmac(algorithm: string, key: Uint8Array): Hash
  function createCipheriv(algorithm: string, key: Uint8Array, iv: Uint8Array): Cipher
  function createDecipheriv(algorithm: string, key: Uint8Array, iv: Uint8Array): Cipher
  function createPrivateKey(key: string): KeyObject
  function createPublicKey(key: string): KeyObject
  function randomBytes(size: number): Uint8Array
  interface Signer {
    update(data: Uint8Array): Signer
    sign(key: KeyInput): Uint8Array
  }
  interface Verifier {
    update(data: Uint8Array): Verifier
    verify(key: KeyInput, signature: Uint8Array): boolean
  }
  function createSign(algorithm: string): Signer
  function createVerify(algorithm: string): Verifier
  function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean
}
