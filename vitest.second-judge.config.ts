import { defineConfig } from 'vitest/config'
import settings from './vitest.config.ts'

/** In the folders below, what asks nothing of a database that other files do not: file and reason. */
const NOT_OF_THE_DATABASE = {
  'test/contract/realm-web-logins.test.ts':
    'identity providers, over HTTP; client-auth and realm-web.test.ts store users',
  'test/contract/realm-web-surface.test.ts':
    'users and sessions of the SDK in a page; realm-web.test.ts has its calls of collections',
  'test/functions/auth0-action.test.ts': 'what the actions of Auth0 send; auth0-sync.test.ts has the writes of it',
  'test/unit/runtime/rules/schema.test.ts': 'schemas alone: it opens no database',
}

/**
 * The tables of the Data API, of rules and of functions, and the KPIs, on the server of `MONGODB_URI`. One host asks: both
 * send the same commands, and `vitest.config.ts` compares the hosts. One file at a time: files share the database `wire`.
 */
export default defineConfig({
  test: {
    ...settings.test,
    include: [
      'test/contract/**/*.test.ts',
      'test/functions/**/*.test.ts',
      'test/unit/runtime/{data,data-api,rules}/**/*.test.ts',
    ],
    exclude: Object.keys(NOT_OF_THE_DATABASE),
    env: { EDGE_HOSTS: 'node' },
    fileParallelism: false,
    isolate: false,
  },
})
