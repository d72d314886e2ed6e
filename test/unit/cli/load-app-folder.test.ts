import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { type LoadedApp, loadAppFolder } from '../../../cli/app-folder/index.ts'
import { fixtureApp, type TemporaryFolder, temporaryFolder } from '../../support/app-folders.ts'

const temporary: TemporaryFolder[] = []
afterAll(() => Promise.all(temporary.map((folder) => folder.remove())))

async function loadFiles(files: Record<string, unknown>, environment?: string): Promise<LoadedApp> {
  const folder = await temporaryFolder(files)
  temporary.push(folder)
  return loadAppFolder(folder.dir, environment === undefined ? {} : { environment })
}

/** JSON that looks like the files of an app: their keys, with values of any kind. */
const keys =
  'name type config roles filters apply_when read write fields additional_fields document_filters insert route http_method function_name event_processors FUNCTION operation_types schedule match values value from_secret config_version app_id client_app_id secret_config metadata_fields can_evaluate run_as_user_id_script_source versions disabled __proto__ constructor'
const oddFile = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      null,
      true,
      false,
      0,
      -1,
      1e300,
      '',
      'x',
      '%%true',
      '%(%%environment.values.x)',
      'DATABASE',
      'GET',
      '/a',
    ),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...keys.split(' ')), tie('value'), { maxKeys: 6, noNullPrototype: true }),
  ),
})).value

const root = { config_version: 20210101, name: 'odd', app_id: 'odd-abcde' }

function codes({ findings }: LoadedApp): string[] {
  return findings.filter(({ severity }) => severity !== 'info').map(({ code, file }) => `${code} ${file}`)
}

describe('loadAppFolder', () => {
  it.each<[string, Record<string, unknown>, string[]]>([
    ['with settings beside it', { 'functions/listed/config.json': { name: 'listed', private: true } }, ['listed']],
    ['without settings beside it', {}, ['listed']],
    ['with a name of its own beside it', { 'functions/folder/config.json': { name: 'listed' } }, ['listed']],
    ['beside the file that the manifest means', { 'functions/listed.js': 'exports = 2' }, ['listed', 'listed/source']],
  ])('finds the file of a listed function in the older layout, %s', async (_, files, names) => {
    const dir = 'functions/folder/config.json' in files ? 'folder' : 'listed'
    const { definition, sources, findings } = await loadFiles({
      'realm_config.json': root,
      'functions/config.json': [{ name: 'listed', private: false }],
      [`functions/${dir}/source.js`]: 'exports = 1',
      ...files,
    })
    expect(sources.map(({ name }) => name).sort()).toEqual(names)
    expect(definition.functions.map(({ name, listed }) => ({ name, listed }))).toEqual(
      names.map((name) => ({ name, listed: name === 'listed' })),
    )
    expect(definition.functions[0]?.private).toBe(false)
    expect(findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code)).toEqual([
      names.length === 1 ? 'function-old-layout' : 'function-unlisted',
    ])
  })

  it('reads a small app with its names, rules of access and leftovers of ended parts', async () => {
    const { definition, sources, findings } = await loadAppFolder(fixtureApp('minimal'))
    expect(findings).toEqual([])
    expect(sources.map(({ name, file, generated }) => ({ name, file, generated }))).toEqual([
      { name: 'greet', file: 'functions/greet.js', generated: false },
    ])
    expect(definition).toEqual({
      name: 'minimal',
      clientAppId: 'minimal-fixtr',
      appId: expect.stringMatching(/^[0-9a-f]{24}$/),
      groupId: expect.stringMatching(/^[0-9a-f]{24}$/),
      location: 'US-VA',
      deploymentModel: 'GLOBAL',
      providerRegion: 'aws-us-east-1',
      environment: '',
      environmentValues: {},
      allowedRequestOrigins: [],
      dataSources: [
        {
          name: 'mongodb-atlas',
          type: 'mongodb-atlas',
          clusterName: 'Cluster0',
          readPreference: 'primary',
          collections: [],
        },
      ],
      functions: [
        {
          name: 'greet',
          private: false,
          can_evaluate: true,
          disable_arg_logs: false,
          run_as_system: true,
          run_as_user_id: '',
          run_as_user_id_script: '',
          listed: true,
        },
      ],
      triggers: [],
      endpoints: [
        {
          route: '/greet',
          http_method: 'GET',
          function_name: 'greet',
          validation_method: 'NO_VALIDATION',
          secret_name: '',
          respond_result: true,
          return_type: 'JSON',
          fetch_custom_user_data: false,
          create_user_on_auth: false,
          can_evaluate: true,
          disabled: false,
        },
      ],
      authProviders: {
        'api-key': {
          name: 'api-key',
          type: 'api-key',
          disabled: false,
          config: {},
          secret_config: {},
          metadata_fields: [],
        },
        'anon-user': {
          name: 'anon-user',
          type: 'anon-user',
          disabled: true,
          config: {},
          secret_config: {},
          metadata_fields: [],
        },
      },
      customUserData: {
        enabled: false,
        mongo_service_name: 'mongodb-atlas',
        database_name: '',
        collection_name: '',
        user_id_field: '',
        on_user_creation_function_name: '',
      },
      values: [],
    })
  })

  it('reads third-party services, and leaves a project folder of the same name alone', async () => {
    const { definition, findings } = await loadFiles({
      'realm_config.json': root,
      'data_sources/db/config.json': { name: 'db', type: 'mongodb-atlas' },
      'services/sms/config.json': { name: 'texts', type: 'twilio', version: 1 },
      'services/db/config.json': { name: 'db', type: 'mongodb-atlas' },
      'services/mailer/index.js': 'module.exports = 1',
      'services/mailer/config.json': 'no json of ours',
      'services/__proto__/config.json': { name: '__proto__', type: 'aws' },
      'http_endpoints/web/config.json': { name: 'web' },
      'http_endpoints/config.json': [],
      'http_endpoints/web2/config.json': { name: 'texts', type: 'http' },
    })
    expect(Object.entries(definition.thirdPartyServices ?? {})).toEqual([
      ['__proto__', 'aws'],
      ['texts', 'twilio'],
      ['web', 'http'],
    ])
    expect(findings.map(({ code, file }) => `${code} ${file}`)).toEqual([
      'service-name-twice http_endpoints/web2/config.json',
    ])
  })

  it('takes ids from .mdb/meta.json, endpoints from https_endpoints and functions from sub-folders', async () => {
    const { definition, findings } = await loadAppFolder(fixtureApp('newest-export'))
    expect(findings).toEqual([])
    expect({
      clientAppId: definition.clientAppId,
      appId: definition.appId,
      groupId: definition.groupId,
      environment: definition.environment,
      environmentValues: definition.environmentValues,
      functions: definition.functions.map(({ name }) => name),
      endpoints: definition.endpoints.map(({ http_method, route, function_name, return_type }) => [
        http_method,
        route,
        function_name,
        return_type,
      ]),
      dataSources: definition.dataSources.map(({ name, clusterName }) => [name, clusterName]),
      dataApi: definition.dataApi?.return_type,
    }).toEqual({
      clientAppId: 'newest-export-qwert',
      appId: '65a1b2c3d4e5f60718293a4b',
      groupId: '5f0e1d2c3b4a596877665544',
      environment: 'testing',
      environmentValues: { DB_NAME: 'contracts_test' },
      functions: ['contracts/contract', 'contracts/list', 'contracts'],
      endpoints: [
        ['GET', '/contracts/contract', 'contracts/contract', 'JSON'],
        ['GET', '/contracts', 'contracts/list', 'EJSON'],
      ],
      dataSources: [['Demo', 'Sandbox']],
      dataApi: 'EJSON',
    })
  })

  it.each([
    [{ provider_region: 'aws-eu-central-1' }, 'DE-FF'],
    [{ provider_region: 'azure-westeurope' }, ''],
    [{ provider_region: 'aws-eu-central-1', location: 'IE' }, 'IE'],
  ])('names the location of %j', async (region, location) => {
    expect((await loadFiles({ 'root_config.json': { name: 'new', ...region } })).definition.location).toBe(location)
  })

  it.each([
    ['app_id of the root file', { 'realm_config.json': root }, 'odd-abcde'],
    [
      'root_config.json before realm_config.json',
      { 'realm_config.json': root, 'root_config.json': { name: 'new', app_id: 'new-abcde' } },
      'new-abcde',
    ],
    [
      'client_app_id of .mdb when the root file has none',
      { 'root_config.json': { name: 'new' }, '.mdb/meta.json': { client_app_id: 'new-zyxwv' } },
      'new-zyxwv',
    ],
    ['the name when nothing else tells', { 'root_config.json': { name: 'new' } }, 'new-local'],
    ['the name when .mdb cannot be read', { 'root_config.json': { name: 'new' }, '.mdb/meta.json': '{' }, 'new-local'],
  ])('is called by clients with %s', async (_, files, expected) => {
    expect((await loadFiles(files)).definition.clientAppId).toBe(expected)
  })

  it('merges both endpoint folders; where they contradict each other http_endpoints wins and it is said', async () => {
    const loaded = await loadAppFolder(fixtureApp('both-endpoint-folders'))
    expect(loaded.definition.endpoints.map((e) => `${e.http_method} ${e.route} ${e.function_name}`)).toEqual([
      'GET /same one',
      'GET /differs one',
      'POST /only-http one',
      '* /only-https two',
    ])
    expect(codes(loaded)).toEqual(['endpoint-conflict https_endpoints/config.json'])
  })

  it('gives an app without data sources one for its system functions, and runs unlisted functions privately', async () => {
    const loaded = await loadAppFolder(fixtureApp('unlisted-functions'))
    expect(loaded.definition.dataSources).toEqual([
      { name: 'mongodb-atlas', type: 'mongodb-atlas', implicit: true, collections: [] },
    ])
    expect(
      loaded.definition.functions.map(({ name, private: isPrivate, listed }) => [name, isPrivate, listed]),
    ).toEqual([
      ['cleanUp', true, false],
      ['report/count', true, false],
    ])
    expect(loaded.definition.triggers).toEqual([
      {
        name: 'cleanUp',
        disabled: false,
        function_name: 'cleanUp',
        type: 'SCHEDULED',
        config: { schedule: '0 */3 * * *', skip_catchup_events: false },
      },
    ])
  })

  it('reads every kind of trigger in both spellings of its function', async () => {
    const { definition } = await loadAppFolder(fixtureApp('every-trigger'))
    const byName = Object.fromEntries(definition.triggers.map((trigger) => [trigger.name, trigger]))
    expect(Object.keys(byName)).toEqual([
      'byServiceId',
      'collectionChange',
      'createOrDelete',
      'databaseChange',
      'everyFiveMinutes',
      'login',
      'mondays',
      'toTheBus',
      'turnedOff',
    ])
    expect(byName.collectionChange).toEqual({
      name: 'collectionChange',
      type: 'DATABASE',
      disabled: false,
      function_name: 'onChange',
      config: {
        service_name: 'mongodb-atlas',
        database: 'every_trigger',
        collection: 'orders',
        operation_types: ['DELETE', 'INSERT', 'UPDATE', 'REPLACE'],
        full_document: true,
        full_document_before_change: true,
        match: { 'fullDocument.status': { $in: ['paid', 'sent'] } },
        project: { operationType: 1, 'fullDocument.status': 1 },
        unordered: false,
        tolerate_resume_errors: true,
        maximum_throughput: false,
        skip_catchup_events: false,
      },
    })
    expect(byName.byServiceId).toMatchObject({
      function_name: 'onChange',
      config: { service_name: 'mongodb-atlas', operation_types: ['UPDATE'], match: {}, project: {} },
    })
    expect(byName.databaseChange).toMatchObject({
      config: { collection: '', skip_catchup_events: true, unordered: true },
    })
    expect(byName.mondays).toMatchObject({ function_name: 'onSchedule', config: { skip_catchup_events: true } })
    expect(byName.login).toMatchObject({
      config: { operation_types: ['LOGIN'], providers: ['local-userpass', 'api-key'] },
    })
    expect(byName.createOrDelete).toMatchObject({ config: { operation_types: ['CREATE', 'DELETE'] } })
    expect(byName.turnedOff).toMatchObject({ disabled: true })
    expect(byName.toTheBus).not.toHaveProperty('function_name')
  })

  it('closes a role whose permissions cannot be read, instead of opening it', async () => {
    const { definition } = await loadAppFolder(fixtureApp('every-rule'))
    const odd = definition.dataSources[0]?.collections.find(({ collection }) => collection === 'odd')
    expect(odd?.rules?.roles.find(({ name }) => name === 'unreadable')).toEqual({
      name: 'unreadable',
      apply_when: false,
      read: false,
      write: true,
    })
  })

  it.each([
    ['rules.json is broken JSON', '{ "roles": [', [{ name: 'unreadable rules', apply_when: false }]],
    ['rules.json is no object', '[]', [{ name: 'unreadable rules', apply_when: false }]],
    [
      'a role has no apply_when',
      { roles: [{ name: 'r', read: true }] },
      [{ name: 'r', apply_when: false, read: true }],
    ],
    [
      'additional_fields is odd',
      { roles: [{ name: 'r', apply_when: {}, additional_fields: true }] },
      [{ name: 'r', apply_when: {}, additional_fields: { read: false, write: false } }],
    ],
    [
      'a field rule is odd',
      { roles: [{ name: 'r', apply_when: {}, fields: { a: 'x', b: { read: 1 } } }] },
      [{ name: 'r', apply_when: {}, fields: { a: { read: false, write: false }, b: { read: false } } }],
    ],
    [
      'a nested role key is null, which means it is absent',
      { roles: [{ name: 'r', apply_when: '%%true', insert: null, read: '%%false' }] },
      [{ name: 'r', apply_when: true, read: false }],
    ],
  ])('fails closed when %s', async (_, rules, roles) => {
    const { definition } = await loadFiles({
      'realm_config.json': root,
      'data_sources/mongodb-atlas/config.json': { name: 'mongodb-atlas', type: 'mongodb-atlas' },
      'data_sources/mongodb-atlas/default_rule.json': { roles: [{ name: 'all', apply_when: {}, read: true }] },
      'data_sources/mongodb-atlas/db/c/rules.json': rules,
    })
    expect(JSON.parse(JSON.stringify(definition.dataSources[0]?.collections[0]?.rules?.roles))).toEqual(roles)
  })

  it('resolves the environment in force in every string of every file', async () => {
    const folder = fixtureApp('values-and-environments')
    const seen = async (environment?: string) => {
      const { definition } = await loadAppFolder(folder, environment === undefined ? {} : { environment })
      return [
        definition.environment,
        definition.dataSources[0]?.clusterName,
        definition.dataSources[0]?.collections[0]?.database,
        definition.values.find(({ name }) => name === 'apiBase')?.value,
        definition.environmentValues.limit,
      ]
    }
    expect(await seen()).toEqual(['development', 'DevCluster', 'dev_db', 'https://eu.example.com', 10])
    expect(await seen('production')).toEqual(['production', 'ProdCluster', 'prod_db', 'https://us.example.com', 1000])
    const { definition, findings } = await loadAppFolder(folder, { environment: 'none' })
    expect(definition.dataSources[0]?.clusterName).toBe('Cluster0')
    expect(findings.filter(({ code }) => code === 'environment-value-missing').map(({ subject }) => subject)).toEqual([
      'values.DB_NAME',
      'values.nested.region',
    ])
    await expect(loadAppFolder(folder, { environment: 'staging' })).rejects.toThrow(
      /unknown environment "staging"; use one of/,
    )
  })

  it('keeps run-as scripts as generated functions, apart from the callable ones', async () => {
    const { definition, sources } = await loadAppFolder(fixtureApp('values-and-environments'))
    expect(sources.filter(({ generated }) => generated).map(({ name }) => name)).toEqual([
      '%run_as_user/asWho',
      '%run_as_user/data_api',
    ])
    expect(
      definition.functions.map(({ name, run_as_user_id, run_as_user_id_script }) => [
        name,
        run_as_user_id,
        run_as_user_id_script,
      ]),
    ).toEqual([
      ['readAll', '', ''],
      ['asWho', '', '%run_as_user/asWho'],
      ['evaluated', '', ''],
      ['asFixedUser', '60d5ec49f1a4c2a1b8e4d0cc', ''],
    ])
    expect(definition.dataApi?.run_as_user_id_script).toBe('%run_as_user/data_api')
  })

  it.each([
    [
      'an empty folder',
      {},
      /is no App Services app: it has neither root_config.json nor realm_config.json\. Give the folder/,
    ],
    ['a project that is none', { 'package.json': { name: 'x' }, 'functions/a.js': '' }, /is no App Services app/],
    [
      'a repository with the app in a folder, which is named',
      { 'package.json': {}, 'mobile/atlas/root_config.json': {}, 'backend/realm_config.json': {} },
      /is no App Services app: .* --app \S*backend \(or mobile\/atlas\)$/,
    ],
    [
      'a Stitch app',
      { 'stitch.json': { name: 'x' } },
      /stitch\.json: config version 20180301 is a layout that is not served/,
    ],
    [
      'an app of 2020',
      { 'config.json': { config_version: 20200603, app_id: 'x-abcde' } },
      /config\.json: config version 20200603/,
    ],
    [
      'an old version in the new file',
      { 'realm_config.json': { config_version: 20200603 } },
      /realm_config\.json: config version 20200603/,
    ],
    [
      'a root file that is no JSON',
      { 'realm_config.json': '{,' },
      /realm_config\.json is not valid JSON .*; correct it/,
    ],
    ['a root file that is no object', { 'root_config.json': '[]' }, /root_config\.json must hold one JSON object/],
  ])('refuses %s in one line', async (_, files, message) => {
    const error = await loadFiles(files).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(Error)
    expect(String(error)).toMatch(message)
    expect(String(error)).not.toContain('\n')
  })

  it('refuses a path that does not exist, and a file', async () => {
    await expect(loadAppFolder('/nonexistent/app')).rejects.toThrow('/nonexistent/app does not exist; give the folder')
    await expect(loadAppFolder(fixtureApp('minimal/realm_config.json'))).rejects.toThrow('is a file; give the folder')
  })

  it('prefers realm_config.json to older files beside it', async () => {
    const { definition } = await loadFiles({
      'realm_config.json': root,
      'stitch.json': {},
      'config.json': { app_id: 'x' },
    })
    expect(definition.clientAppId).toBe('odd-abcde')
  })

  describe('with odd JSON in any file', () => {
    const oddities: [string, unknown][] = [
      ['nothing', ''],
      ['null', 'null'],
      ['a number', '7'],
      ['a string', '"x"'],
      ['an array', '[]'],
      ['an array of oddities', '[null, 7, "x", [], {}]'],
      ['an empty object', '{}'],
      ['prototype keys', '{"__proto__": {"roles": []}, "constructor": {"prototype": 1}, "toString": 3}'],
      ['deep nesting', `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`],
      [
        'keys of the wrong type',
        '{"name": 7, "type": [], "config": "x", "roles": 3, "filters": {}, "values": [], "disabled": "no", "value": null, "from_secret": "yes", "enabled": 1}',
      ],
    ]
    const files = [
      'functions/config.json',
      'functions/package.json',
      'triggers/a.json',
      'values/a.json',
      'environments/no-environment.json',
      'http_endpoints/config.json',
      'https_endpoints/config.json',
      'http_endpoints/data_api_config.json',
      'auth/providers.json',
      'auth/custom_user_data.json',
      'data_sources/mongodb-atlas/config.json',
      'data_sources/mongodb-atlas/default_rule.json',
      'data_sources/mongodb-atlas/db/c/rules.json',
      'data_sources/mongodb-atlas/db/c/schema.json',
      '.mdb/meta.json',
      '.mdb/app_meta.json',
    ]
    it.each(oddities)('loads what is left: %s', async (_, content) => {
      for (const file of files) {
        const { definition } = await loadFiles({
          'realm_config.json': root,
          'functions/a.js': 'exports = 1',
          [file]: content,
        })
        expect([file, definition.clientAppId, definition.functions.some(({ name }) => name === 'a')]).toEqual([
          file,
          'odd-abcde',
          true,
        ])
      }
    })
    it('throws nothing, whatever JSON the files hold', async () => {
      const folder = await temporaryFolder({ 'realm_config.json': root, 'functions/a.js': 'exports = 1' })
      temporary.push(folder)
      for (const file of files) await mkdir(path.dirname(path.join(folder.dir, file)), { recursive: true })
      const content = fc.tuple(...files.map(() => oddFile))
      await fc.assert(
        fc.asyncProperty(content, async (contents) => {
          await Promise.all(
            files.map((file, index) => writeFile(path.join(folder.dir, file), JSON.stringify(contents[index]))),
          )
          const { definition } = await loadAppFolder(folder.dir)
          // What a build embeds must survive being embedded.
          expect(JSON.parse(JSON.stringify(definition))).toEqual(definition)
        }),
        { numRuns: 60 },
      )
    })
    it('survives a folder where a file is expected', async () => {
      const loaded = await loadFiles({
        'realm_config.json': root,
        'functions/config.json/x': '',
        'triggers/t.json/x': '',
      })
      expect(codes(loaded)).toEqual(['file-unreadable functions/config.json'])
    })
  })
})
