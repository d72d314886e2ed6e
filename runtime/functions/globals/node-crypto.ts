/**
 * The only door to the host's synchronous cryptography: `utils.crypto` and `utils.jwt` return values, not promises, so
 * WebCrypto cannot serve them. Node and workerd (`nodejs_compat`) both have this module.
 */
export {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'
