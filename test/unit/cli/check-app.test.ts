import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { unsuitableForWorkerd } from '../../../cli/build/workerd-packages.ts'
import { type CheckReport, checkApp } from '../../../cli/check/index.ts'
import { fixtureApp, type TemporaryFolder, temporaryFolder } from '../../support/app-folders.ts'

const temporary: TemporaryFolder[] = []
afterAll(() => Promise.all(temporary.map((folder) => folder.remove())))

async function temporaryApp(files: Record<string, unknown>): Promise<string> {
  const folder = await temporaryFolder({ 'realm_config.json': { config_version: 20210101, name: 'checked' }, ...files })
  temporary.push(folder)
  return folder.dir
}

const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..')

function cli(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(repository, 'cli/main.ts'), ...args], {
    encoding: 'utf8',
  })
  return { code: status, stdout, stderr }
}

function notRunning(report: CheckReport): string[] {
  return report.files.filter(({ status }) => status !== 'runs').map(({ file, status }) => `${file} ${status}`)
}

function codesOf(report: CheckReport, file?: string): string[] {
  return report.files
    .filter((entry) => file === undefined || entry.file === file)
    .flatMap(({ findings }) => findings.map(({ severity, code }) => `${severity} ${code}`))
}

describe('checkApp', () => {
  it.each([
    ['minimal', ['graphql ignored', 'hosting ignored', 'sync ignored']],
    ['data-api-only', []],
    ['old-exports', []],
    ['implicit-globals', []],
    ['odd-functions', []],
    ['newest-export', []],
    ['unlisted-functions', []],
    ['values-and-environments', []],
  ])('finds that all of %s runs', async (name, ignored) => {
    const report = await checkApp({ appDir: fixtureApp(name) })
    expect(report.ok).toBe(true)
    expect(notRunning(report)).toEqual(ignored)
  })

  it('says file by file what of a broken app will not run', async () => {
    const report = await checkApp({ appDir: fixtureApp('broken-parts') })
    expect(report.ok).toBe(false)
    expect(notRunning(report)).toEqual([
      'auth/providers.json partly',
      'data_sources/lake/config.json fails',
      'functions/badSyntax.js fails',
      'functions/config.json partly',
      'functions/esModule.js fails',
      'functions/exportsNothing.js fails',
      'functions/needsOnlySometimes.js partly',
      'functions/needsPackage.js partly',
      'functions/relative.js partly',
      'functions/usesWith.js fails',
      'http_endpoints/config.json partly',
      'triggers/nightly.json fails',
      'triggers/notJson.json fails',
      'values/empty.json fails',
    ])
    const syntax = report.files.find(({ file }) => file === 'functions/badSyntax.js')
    expect(syntax).toEqual({
      file: 'functions/badSyntax.js',
      status: 'fails',
      holds: 'function "badSyntax"',
      findings: [
        {
          severity: 'error',
          code: 'function-syntax',
          file: 'functions/badSyntax.js',
          line: 4,
          subject: 'badSyntax',
          message: '"badSyntax" cannot be built: Unexpected token; calling it answers FunctionSyntaxError',
          mend: 'correct the syntax',
        },
      ],
    })
    expect(report.summary).toMatchObject({ functions: 10, functionsThatRun: 6, triggers: 1, endpoints: 2 })
  })

  it('tells where functions stand or are written otherwise than App Services asks', async () => {
    const report = await checkApp({ appDir: fixtureApp('odd-functions') })
    expect(codesOf(report, 'functions/users/createUser.js')).toEqual(['warning function-elsewhere'])
    expect(codesOf(report, 'functions/oldStyle/source.js')).toEqual(['warning function-old-layout'])
  })

  it('names contradictory rules', async () => {
    const report = await checkApp({ appDir: fixtureApp('every-rule') })
    expect(codesOf(report, 'data_sources/mongodb-atlas/rules/odd/rules.json')).toEqual([
      'error shape',
      'error shape',
      'warning write-contradiction',
      'warning role-unreachable',
      'warning document-filters-incomplete',
      'warning role-unreachable',
      'warning deploy-filter-expansion',
    ])
    const others = report.files.filter(
      ({ file, findings }) => file.includes('/rules/') && !file.includes('odd') && findings.length > 0,
    )
    expect(others).toEqual([])
  })

  it('asks for secrets, and misses them only when a list of those that exist was given', async () => {
    const appDir = fixtureApp('values-and-environments')
    const secretFindings = (report: CheckReport) =>
      report.files.flatMap(({ findings }) => findings).filter(({ code }) => code === 'secret-missing')
    const unknown = secretFindings(await checkApp({ appDir }))
    expect(unknown.map(({ severity, subject }) => `${severity} ${subject}`)).toEqual([
      'warning custom-token',
      'warning POST /signed',
      'warning GET /secret',
      'warning Data API',
      'warning apiToken',
    ])
    const given = new Set(['jwtKey', 'hookSecret', 'querySecret', 'apiTokenSecret'])
    expect(secretFindings(await checkApp({ appDir, secrets: given }))).toEqual([
      {
        severity: 'error',
        code: 'secret-missing',
        file: 'http_endpoints/data_api_config.json',
        subject: 'Data API',
        message: 'needs the secret "dataApiSecret"; without it the Data API refuses every call',
        mend: 'add "dataApiSecret" to the file given with --secrets, or to the Worker\'s secrets',
      },
    ])
  })

  it.each([
    [
      'a require at the top level',
      { 'functions/a.js': "const fs = require('fs')\nexports = () => fs" },
      'functions/a.js',
      'warning require-top-level',
    ],
    ['eval', { 'functions/a.js': "exports = () => eval('1')" }, 'functions/a.js', 'warning eval'],
    [
      'an implicit global',
      { 'functions/a.js': 'exports = () => { x = 1; return x }' },
      'functions/a.js',
      'info implicit-globals',
    ],
    [
      'a data source that is not there',
      { 'functions/a.js': "exports = () => context.services.get('Cluster9')" },
      'functions/a.js',
      'error service-missing',
    ],
    [
      'a function that is not there',
      { 'functions/a.js': "exports = () => context.functions.execute('b')" },
      'functions/a.js',
      'error function-missing',
    ],
    [
      'a value that is not there',
      { 'functions/a.js': "exports = () => context.values.get('b')" },
      'functions/a.js',
      'warning value-missing',
    ],
    [
      'a webhook of a third-party service',
      { 'services/hooks/incoming_webhooks/a/config.json': {} },
      'services/hooks',
      'error third-party-service',
    ],
    [
      'a webhook of a service without a type',
      { 'http_endpoints/hooks/incoming_webhooks/a/config.json': {}, 'http_endpoints/hooks/config.json': {} },
      'http_endpoints/hooks',
      'error third-party-service',
    ],
    [
      'rules of a service of type http',
      {
        'services/web/config.json': { name: 'web', type: 'http' },
        'services/web/rules/all.json': { name: 'all', actions: ['get'], when: {} },
      },
      'services/web/rules',
      'warning service-rules',
    ],
    [
      'a cluster among the services',
      { 'services/cluster/config.json': { name: 'cluster', type: 'mongodb-atlas' } },
      'services/cluster/config.json',
      'error data-source-elsewhere',
    ],
    ['a log forwarder', { 'log_forwarders/a.json': { name: 'a' } }, 'log_forwarders/a.json', 'warning log-forwarder'],
    [
      'an unknown operator in a rule',
      {
        'data_sources/mongodb-atlas/default_rule.json': { roles: [{ name: 'r', apply_when: { a: { '%like': 'x' } } }] },
      },
      'data_sources/mongodb-atlas/default_rule.json',
      'warning expression-unknown',
    ],
    [
      'an unknown expansion in a rule',
      { 'data_sources/mongodb-atlas/default_rule.json': { roles: [{ name: 'r', apply_when: { a: '%%me.id' } }] } },
      'data_sources/mongodb-atlas/default_rule.json',
      'warning expression-unknown',
    ],
    [
      'a trigger for EventBridge',
      {
        'triggers/a.json': {
          name: 'a',
          type: 'SCHEDULED',
          config: { schedule: '* * * * *' },
          event_processors: { AWS_EVENTBRIDGE: {} },
        },
      },
      'triggers/a.json',
      'error trigger-eventbridge',
    ],
    [
      'an endpoint that checks a secret it does not name',
      {
        'functions/a.js': 'exports = 1',
        'http_endpoints/config.json': [
          { route: '/a', http_method: 'GET', function_name: 'a', validation_method: 'VERIFY_PAYLOAD' },
        ],
      },
      'http_endpoints/config.json',
      'error endpoint-without-secret',
    ],
  ])('reports %s', async (_, files, file, code) => {
    expect(codesOf(await checkApp({ appDir: await temporaryApp(files) }), file)).toContain(code)
  })

  it('names file, service, type and mend where a function calls a third-party service that ended', async () => {
    const appDir = await temporaryApp({
      'services/sms/config.json': { name: 'sms', type: 'twilio' },
      'services/web/config.json': { name: 'web', type: 'http' },
      'functions/a.js': `exports = () => {
        context.services.get('web').get({ url: 'https://example.com' })
        return context.services.get('sms').send({})
      }`,
    })
    const { files, ok } = await checkApp({ appDir })
    expect(ok).toBe(false)
    expect(files.flatMap(({ findings }) => findings).filter(({ code }) => /service/.test(code))).toEqual([
      {
        severity: 'error',
        code: 'service-type-ended',
        file: 'functions/a.js',
        line: 3,
        subject: 'a',
        message: 'context.services.get("sms"): services of type "twilio" ended; its actions answer ServiceTypeNotFound',
        mend: 'require the package "twilio", or send with context.http.post to its API, the token in a value from a secret',
      },
      {
        severity: 'info',
        code: 'third-party-service',
        file: 'services/sms',
        subject: 'sms',
        message: 'the service "sms" of type "twilio" ended; each action of it answers ServiceTypeNotFound',
        mend: 'require the package "twilio", or send with context.http.post to its API, the token in a value from a secret',
      },
      {
        severity: 'info',
        code: 'third-party-service',
        file: 'services/web',
        subject: 'web',
        message: 'the service "web" of type "http" ended; in functions context.http stands in for it',
        mend: 'call context.http',
      },
    ])
  })

  it('names packages that do not work on Workers by version, and a Worker that outgrows a plan by its size', async () => {
    const shipped = (name: string, version: string, content = '1') => ({
      [`functions/node_modules/${name}/package.json`]: { name, version },
      [`functions/node_modules/${name}/index.js`]: `module.exports = ${content}`,
    })
    const appDir = await temporaryApp({
      ...shipped('got', '11.8.6'),
      ...shipped('ws', '8.0.0'),
      ...shipped('large', '1.0.0', JSON.stringify(randomBytes(3_600_000).toString('base64'))),
      'functions/a.js': "exports = () => [require('got'), require('large')]",
      'functions/b.js': "exports = () => require('ws')",
    })
    const { files, ok } = await checkApp({ appDir })
    expect(ok).toBe(false)
    const large = expect.stringMatching(
      /^the Worker has 4\.\d MB after compression \(\d\.\d MB before: "large" 4\.8 MB, .*\), and the free plan of Workers takes 3\.0 MB$/,
    )
    expect(files.flatMap(({ findings }) => findings).filter(({ code }) => /^package|^worker/.test(code))).toEqual([
      {
        severity: 'error',
        code: 'package-unsuitable',
        file: 'functions/b.js',
        line: 1,
        subject: 'b',
        message: 'the package "ws" fails on Workers: it opens its own sockets under a request',
        mend: 'use the HTTP interface of that service, or use the Node entry (--host node)',
      },
      {
        severity: 'warning',
        code: 'worker-large',
        file: 'functions/package.json',
        subject: 'Worker',
        message: large,
        mend: expect.stringContaining('--minify'),
      },
    ])
    expect(unsuitableForWorkerd(path.join(appDir, 'functions'), 'got')).toBeUndefined()
    // Bundles a Worker and packs some megabytes.
  }, 60_000)

  // The rows of the validation table that a folder alone can show (spec: app folder 12).
  it.each([
    ['1', { 'realm_config.json': { name: 'a' } }, 'deploy-config-version'],
    ['4', { 'realm_config.json': { config_version: 20210101, name: 'a', location: 'MOON' } }, 'deploy-location'],
    ['5, a note', { 'triggers/README.md': 'x' }, 'deploy-not-json'],
    ['5, an array', { 'values/a.json': [] }, 'deploy-not-json'],
    ['6, functions', { 'functions/config.json': {} }, 'manifest-not-an-array'],
    ['6, endpoints', { 'http_endpoints/config.json': {} }, 'endpoints-not-an-array'],
    [
      '7',
      { 'data_sources/s/config.json': { name: 's' }, 'data_sources/s/d/c/schema.json': {} },
      'deploy-collection-files',
    ],
    ['8', { 'data_sources/s/config.json': { name: 's' }, 'data_sources/s/d/c/rules.json': {} }, 'rules-empty'],
    ['12', { 'data_sources/s/config.json': { type: 'mongodb-atlas' } }, 'data-source-without-name'],
    [
      '13',
      { 'triggers/a.json': { type: 'SCHEDULED', config: { schedule: '* * * * *' }, function_name: 'no' } },
      'function-missing',
    ],
    ['14', { 'functions/config.json': [{ name: 'no' }] }, 'function-file-missing'],
    [
      '15, a trigger',
      { 'triggers/a.json': { name: 'a b', type: 'SCHEDULED', config: { schedule: '* * * * *' } } },
      'deploy-name',
    ],
    ['15, a value', { 'values/a.json': { name: '_a', value: 1 } }, 'deploy-name'],
    ['15, a secret', { 'values/a.json': { name: 'a', from_secret: true, value: 'a b' } }, 'deploy-name'],
    ['15, the app', { 'realm_config.json': { config_version: 20210101, name: 'an app' } }, 'deploy-name'],
    [
      '16, a filter',
      {
        'data_sources/s/config.json': { name: 's' },
        'data_sources/s/default_rule.json': { filters: [{ name: 'f', apply_when: { a: '%%root.b' } }] },
      },
      'deploy-filter-expansion',
    ],
    [
      '16, a role',
      {
        'data_sources/s/config.json': { name: 's' },
        'data_sources/s/default_rule.json': { roles: [{ name: 'r', apply_when: { '%%args.a': 1 } }] },
      },
      'deploy-rule-expansion',
    ],
    [
      '17',
      {
        'functions/a.js': 'exports = 1',
        'functions/config.json': [{ name: 'a', run_as_user_id: 'x', run_as_user_id_script_source: 'exports = 1' }],
      },
      'run-as-both',
    ],
    ['18', { 'functions/a.js': 'exports = (' }, 'function-syntax'],
    [
      '21',
      {
        'triggers/a.json': { name: 'a', type: 'SCHEDULED', config: { schedule: '* * * * *' } },
        'triggers/b.json': { name: 'a', type: 'SCHEDULED', config: { schedule: '* * * * *' } },
      },
      'trigger-name-twice',
    ],
    [
      'project',
      {
        'functions/a.js': 'exports = 1',
        'triggers/a.json': {
          type: 'DATABASE',
          function_name: 'a',
          config: { service_name: 'mongodb-atlas', operation_types: ['INSERT'], project: { a: 1 } },
        },
      },
      'project-without-operation-type',
    ],
    [
      'throughput',
      {
        'functions/a.js': 'exports = 1',
        'triggers/a.json': {
          type: 'DATABASE',
          function_name: 'a',
          config: { service_name: 'mongodb-atlas', operation_types: ['INSERT'], maximum_throughput: true },
        },
      },
      'throughput-ordered',
    ],
    [
      'service',
      {
        'functions/a.js': 'exports = 1',
        'triggers/a.json': {
          type: 'DATABASE',
          function_name: 'a',
          config: { service_name: 'other', operation_types: ['INSERT'] },
        },
      },
      'data-source-missing',
    ],
    [
      'cron',
      {
        'functions/a.js': 'exports = 1',
        'triggers/a.json': { type: 'SCHEDULED', function_name: 'a', config: { schedule: '60 * * * *' } },
      },
      'schedule-invalid',
    ],
  ])('enforces row %s of the validation table', async (_, files, code) => {
    const found = codesOf(await checkApp({ appDir: await temporaryApp(files) }))
    expect(found.map((entry) => entry.split(' ')[1])).toContain(code)
  })
})

describe('the command line', () => {
  it('checks an app: one JSON value on stdout, exit 0 when all runs and 1 when something does not', () => {
    const fine = cli('check', fixtureApp('minimal'), '--json')
    expect([fine.code, JSON.parse(fine.stdout).ok, fine.stderr]).toEqual([0, true, ''])
    const broken = cli('check', fixtureApp('broken-parts'), '--json')
    expect([broken.code, JSON.parse(broken.stdout).ok]).toEqual([1, false])
    const text = cli('check', fixtureApp('broken-parts'))
    expect(text.stdout).toContain(
      'functions/badSyntax.js: will not run (function "badSyntax")\n' +
        '  error line 4: "badSyntax" cannot be built: Unexpected token; calling it answers FunctionSyntaxError\n' +
        '    mend: correct the syntax\n',
    )
    const none = cli('check', fixtureApp('none'))
    expect([none.code, none.stdout, none.stderr.trim().split('\n').length]).toEqual([1, '', 1])
  })

  it('writes the app folder of an app that was never exported, once, and says what is wrong with its arguments', async () => {
    const { dir } = await temporaryFolder().then((folder) => {
      temporary.push(folder)
      return folder
    })
    const target = path.join(dir, 'new')
    const options = ['--app-id', 'data-abcde', '--data-source', 'Sandbox', '--preset', 'readAll']
    const made = cli('init', target, ...options, '--json')
    expect([made.code, JSON.parse(made.stdout)]).toEqual([
      0,
      {
        dir: target,
        files: [
          'realm_config.json',
          'auth/providers.json',
          'auth/custom_user_data.json',
          'data_sources/mongodb-atlas/config.json',
          'data_sources/mongodb-atlas/default_rule.json',
          'functions/config.json',
          'http_endpoints/config.json',
          'http_endpoints/data_api_config.json',
        ],
        appId: 'data-abcde',
        dataSource: 'Sandbox',
        preset: 'readAll',
      },
    ])
    expect(cli('check', target).code).toBe(0)
    const again = cli('init', target, ...options)
    expect([again.code, again.stderr]).toEqual([
      1,
      `${target} is not empty; give a folder that is empty or does not exist yet\n`,
    ])
    expect(cli('init', target, '--app-id', 'data-abcde', '--preset', 'all')).toMatchObject({
      code: 2,
      stderr: '--preset is one of readAndWriteAll, readAll, denyAll, not "all"\n',
    })
    expect(cli('init', target, '--preset', 'readAll')).toMatchObject({ code: 2, stderr: '--app-id is required\n' })
    expect(cli('init').code).toBe(2)
  })
})
