/**
 * The only door to the host's synchronous cryptography: `utils.crypto` and `utils.jwt` return values, not promises, so
 * WebCrypto cannot serve them. Node and workerd (`nodejs_compat`) both have this module. Signatures go through
 * `createSign` and `createVerify`: workerd's one-shot `sign` and `verify` ignore the padding.
 */
export {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSign,
  createVerify,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
