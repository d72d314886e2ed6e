import type { Json } from '../../schemas/app/definition.ts'

/** The access presets that the console offered when it made an app for the Data API alone (spec: real apps 4). */
export const presets = ['readAndWriteAll', 'readAll', 'denyAll'] as const
export type Preset = (typeof presets)[number]

export function isPreset(text: string): text is Preset {
  return presets.some((preset) => preset === text)
}

export interface DataApiAppOptions {
  /** Client app id, such as `data-abcde`. */
  readonly appId: string
  /** What requests send as `dataSource`, usually the cluster's name. */
  readonly dataSource: string
  readonly preset: Preset
}

/** The files of an app that offers the Data API with API keys and nothing else, by relative path. */
export function dataApiApp({ appId, dataSource, preset }: DataApiAppOptions): ReadonlyMap<string, Json> {
  const read = preset !== 'denyAll'
  const write = preset === 'readAndWriteAll'
  const role = {
    name: preset,
    apply_when: {},
    document_filters: { read, write },
    read,
    write,
    insert: write,
    delete: write,
    search: read,
  }
  return new Map<string, Json>([
    [
      'realm_config.json',
      {
        config_version: 20210101,
        app_id: appId,
        name: appId.replace(/-[a-z0-9]{5}$/, '').slice(0, 32),
        location: 'US-VA',
        provider_region: 'aws-us-east-1',
        deployment_model: 'GLOBAL',
        environment: '',
        allowed_request_origins: [],
      },
    ],
    ['auth/providers.json', { 'api-key': { name: 'api-key', type: 'api-key', disabled: false } }],
    ['auth/custom_user_data.json', { enabled: false }],
    [
      'data_sources/mongodb-atlas/config.json',
      {
        name: 'mongodb-atlas',
        type: 'mongodb-atlas',
        config: { clusterName: dataSource, readPreference: 'primary', wireProtocolEnabled: false },
      },
    ],
    ['data_sources/mongodb-atlas/default_rule.json', { roles: [role], filters: [] }],
    ['functions/config.json', []],
    ['http_endpoints/config.json', []],
    [
      'http_endpoints/data_api_config.json',
      {
        disabled: false,
        versions: ['beta', 'v1'],
        return_type: 'JSON',
        create_user_on_auth: false,
        run_as_system: false,
        run_as_user_id: '',
        run_as_user_id_script_source: '',
        can_evaluate: {},
        validation_method: 'NO_VALIDATION',
        secret_name: '',
        fetch_custom_user_data: false,
        log_function_arguments: false,
      },
    ],
  ])
}
