/**
 * An App Services app as the runtime sees it: the folder, read, checked and normalised.
 * Keys keep the spelling of the exported files (spec: app folder). Everything here is plain JSON,
 * so that a build can embed it in a Worker bundle.
 */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

/** `true`, `false`, or an object of the rule expression language (spec: rules 5). */
export type Expression = boolean | JsonObject

export interface FieldRule {
  read?: Expression
  write?: Expression
  fields?: Record<string, FieldRule>
}

export interface Role {
  name: string
  apply_when: Expression
  document_filters?: { read?: Expression; write?: Expression }
  read?: Expression
  write?: Expression
  insert?: Expression
  delete?: Expression
  search?: Expression
  fields?: Record<string, FieldRule>
  additional_fields?: { read?: Expression; write?: Expression }
}

export interface RuleFilter {
  name: string
  apply_when: Expression
  query?: JsonObject
  projection?: JsonObject
}

export interface RuleSet {
  roles: Role[]
  filters: RuleFilter[]
}

export interface CollectionConfig {
  database: string
  collection: string
  /** Absent when the folder has no rules.json, or one without roles and filters. */
  rules?: RuleSet
  /** App Services JSON schema (not the server's validator). Absent or `{}`: everything is accepted. */
  schema?: JsonObject
}

export type ReadPreferenceName = 'primary' | 'primaryPreferred' | 'secondary' | 'secondaryPreferred' | 'nearest'

export interface DataSource {
  /** The service name, as in `context.services.get(name)`. */
  name: string
  /** `mongodb-atlas` is served; others (`datalake`, ...) answer an error when used. */
  type: string
  clusterName?: string
  readPreference?: ReadPreferenceName
  /** True for the source that stands in when the folder has none: system access only. */
  implicit?: boolean
  default_rule?: RuleSet
  collections: CollectionConfig[]
}

export interface FunctionConfig {
  /** Slash path without `.js`. */
  name: string
  private: boolean
  can_evaluate: Expression
  disable_arg_logs: boolean
  run_as_system: boolean
  run_as_user_id: string
  /** Name of the generated function that holds `run_as_user_id_script_source`, or ''. */
  run_as_user_id_script: string
  /** False for a file that the manifest lacks: private, and reported by `check`. */
  listed: boolean
}

/** A function that could not be built: it answers its documented error when called; the app lives. */
export interface BrokenFunction {
  name: string
  code: 'FunctionNotFound' | 'FunctionSyntaxError' | 'FunctionInvalid' | 'FunctionExecutionError'
  /** What the caller is told; no path of the building machine. */
  message: string
}

export interface TriggerBase {
  name: string
  disabled: boolean
  /** Function to call; absent when the trigger sends to EventBridge. */
  function_name?: string
}

export interface DatabaseTrigger extends TriggerBase {
  type: 'DATABASE'
  config: {
    service_name: string
    /** '' = the deployment. */
    database: string
    /** '' = the database. */
    collection: string
    /** UPPER_SNAKE, as exported. */
    operation_types: string[]
    full_document: boolean
    full_document_before_change: boolean
    match: JsonObject
    project: JsonObject
    unordered: boolean
    tolerate_resume_errors: boolean
    maximum_throughput: boolean
    skip_catchup_events: boolean
  }
}

export interface ScheduledTrigger extends TriggerBase {
  type: 'SCHEDULED'
  config: { schedule: string; skip_catchup_events: boolean }
}

export interface AuthenticationTrigger extends TriggerBase {
  type: 'AUTHENTICATION'
  config: { operation_types: ('LOGIN' | 'CREATE' | 'DELETE')[]; providers: string[] }
}

export type Trigger = DatabaseTrigger | ScheduledTrigger | AuthenticationTrigger

export type ValidationMethod = 'NO_VALIDATION' | 'SECRET_AS_QUERY_PARAM' | 'VERIFY_PAYLOAD'
export type ReturnType = 'JSON' | 'EJSON'

export interface Endpoint {
  /** Starts with `/`. */
  route: string
  http_method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | '*'
  function_name: string
  validation_method: ValidationMethod
  secret_name: string
  respond_result: boolean
  return_type: ReturnType
  fetch_custom_user_data: boolean
  create_user_on_auth: boolean
  can_evaluate: Expression
  disabled: boolean
}

export interface DataApiConfig {
  disabled: boolean
  versions: string[]
  return_type: ReturnType
  create_user_on_auth: boolean
  run_as_system: boolean
  run_as_user_id: string
  /** Name of the generated function that holds `run_as_user_id_script_source`, or ''. */
  run_as_user_id_script: string
  can_evaluate: Expression
  validation_method: ValidationMethod
  secret_name: string
  fetch_custom_user_data: boolean
  log_function_arguments: boolean
}

export interface AuthProvider {
  name: string
  type: string
  disabled: boolean
  config: JsonObject
  secret_config: JsonObject
  metadata_fields: { required: boolean; name: string; field_name?: string }[]
  /** `oauth2-*`: domains of the accounts that may log in; empty or absent: all. */
  domain_restrictions?: string[]
  /** `oauth2-*`: where a browser may be sent back to, to the letter; empty or absent: nowhere. */
  redirect_uris?: string[]
}

export interface CustomUserDataConfig {
  enabled: boolean
  mongo_service_name: string
  database_name: string
  collection_name: string
  user_id_field: string
  on_user_creation_function_name: string
}

export interface AppValue {
  name: string
  from_secret: boolean
  /** The value, or the secret's name when `from_secret`. */
  value: Json
}

export type EnvironmentTag = '' | 'development' | 'testing' | 'qa' | 'production'

export interface AppDefinition {
  name: string
  /** What stands in URLs: `app_id` of the root file, else of `.mdb`, else `<name>-local`. */
  clientAppId: string
  /** 24 hex characters; derived from the client app id when the folder does not tell. */
  appId: string
  groupId: string
  location: string
  deploymentModel: 'GLOBAL' | 'LOCAL'
  providerRegion: string
  environment: EnvironmentTag
  /** Values of the environment in force. */
  environmentValues: Record<string, Json>
  /** Empty: any origin. */
  allowedRequestOrigins: string[]
  dataSources: DataSource[]
  /** Type (`http`, `twilio`, `aws`, ...) by name of each third-party service; absent: the folder has none. */
  thirdPartyServices?: Record<string, string>
  functions: FunctionConfig[]
  triggers: Trigger[]
  endpoints: Endpoint[]
  /** Absent: the folder has no data_api_config.json, so the Data API is off. */
  dataApi?: DataApiConfig
  /** Keyed by provider type. */
  authProviders: Record<string, AuthProvider>
  customUserData?: CustomUserDataConfig
  values: AppValue[]
}
