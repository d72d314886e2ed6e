import { describe, it } from 'vitest'
import { temporaryFolder } from '../support/app-folders.ts'
import { serveApp } from '../support/served-app.ts'
import { concurrentFunctions, expectSeparateCalls } from '../support/two-users.ts'

const app = 'concurrent-abcde'

function appFiles(): Record<string, unknown> {
  const functions = Object.entries(concurrentFunctions).map(([name, text]) => [`functions/${name}.js`, text])
  const names = Object.keys(concurrentFunctions)
  return {
    'realm_config.json': { config_version: 20210101, app_id: app, name: 'concurrent' },
    'auth/providers.json': { 'anon-user': { name: 'anon-user', type: 'anon-user', disabled: false } },
    'functions/config.json': names.map((name) => ({ name, private: false, run_as_system: true })),
    ...Object.fromEntries(functions),
  }
}

describe.each(['node', 'workerd'] as const)('two users of one function on %s', (kind) => {
  it('never see the call of each other, 1,000 times', { timeout: 600_000 }, async () => {
    const folder = await temporaryFolder(appFiles())
    const served = await serveApp(kind, folder.dir)
    try {
      await expectSeparateCalls(served, app, 1000)
    } finally {
      await served.close()
      await folder.remove()
    }
  })
})
