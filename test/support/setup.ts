import { afterAll } from 'vitest'
import { capturedLines } from './captured-log.ts'
import { expectNoSecrets } from './log-secrecy.ts'

// Whatever a test was about: nothing that its hosts logged may hold a secret, a token, a password or an address.
afterAll(() => expectNoSecrets(capturedLines()))

// Most tests have no property, and the library takes its time to load.
if (process.env.PROPERTY_SEED !== undefined) await import('./property-seed.ts')
