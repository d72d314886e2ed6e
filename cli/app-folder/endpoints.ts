import type { DataApiConfig, Endpoint } from '../../schemas/app/definition.ts'
import { dataApiFile, endpointFile } from '../../schemas/app/endpoint-file.ts'
import { closedExpression } from './closed.ts'
import type { FolderReader } from './folder-reader.ts'
import { type FunctionSource, runAsScriptName } from './functions.ts'
import { readItem } from './read-item.ts'

/** The second name is that of newer exports (spec: real apps 1); where both define a route, the first wins. */
const folders = ['http_endpoints', 'https_endpoints'] as const

export async function readEndpoints(reader: FolderReader): Promise<Endpoint[]> {
  const endpoints: Endpoint[] = []
  for (const folder of folders) {
    const file = `${folder}/config.json`
    const content = await reader.json(file)
    if (content.state !== 'read') continue
    if (!Array.isArray(content.value)) {
      reader.findings.add('error', 'endpoints-not-an-array', {
        file,
        message: 'the file must hold an array of endpoints; it is ignored',
        mend: 'write [{"route": "/...", "http_method": "GET", "function_name": "..."}, ...]',
      })
      continue
    }
    for (const [index, value] of content.value.entries()) {
      const endpoint = readEndpoint(reader, file, index, value)
      if (endpoint === undefined) continue
      const twin = endpoints.find(
        (other) => other.route === endpoint.route && other.http_method === endpoint.http_method,
      )
      if (twin === undefined) {
        endpoints.push(endpoint)
        reader.origins.setEndpoint(endpoint.http_method, endpoint.route, file)
      } else reportTwin(reader, file, endpoint, twin)
    }
  }
  return endpoints
}

function reportTwin(reader: FolderReader, file: string, endpoint: Endpoint, twin: Endpoint): void {
  if (twin.function_name === endpoint.function_name) return
  const subject = `${endpoint.http_method} ${endpoint.route}`
  reader.findings.add('error', 'endpoint-conflict', {
    file,
    subject,
    message: `${subject} runs "${endpoint.function_name}" here and "${twin.function_name}" elsewhere; the latter counts`,
    mend: 'remove one of the two',
  })
}

function readEndpoint(reader: FolderReader, file: string, index: number, value: unknown): Endpoint | undefined {
  const endpoint = readItem(endpointFile, value, {
    findings: reader.findings,
    file,
    subject: `endpoint ${index}`,
    severity: 'error',
    repair: closedExpression,
  })
  if (endpoint === undefined) return undefined
  const route = endpoint.route.startsWith('/') ? endpoint.route : `/${endpoint.route}`
  return {
    route,
    http_method: endpoint.http_method,
    function_name: endpoint.function_name,
    validation_method: endpoint.validation_method ?? endpoint.verification_method ?? 'NO_VALIDATION',
    secret_name: endpoint.secret_name ?? '',
    respond_result: endpoint.respond_result ?? false,
    return_type: endpoint.return_type ?? 'JSON',
    fetch_custom_user_data: endpoint.fetch_custom_user_data ?? false,
    create_user_on_auth: endpoint.create_user_on_auth ?? false,
    can_evaluate: endpoint.can_evaluate ?? true,
    disabled: endpoint.disabled ?? false,
  }
}

/** Undefined when no folder has a `data_api_config.json`: the Data API is off. A run-as script is added to `sources`. */
export async function readDataApi(reader: FolderReader, sources: FunctionSource[]): Promise<DataApiConfig | undefined> {
  for (const folder of folders) {
    const file = `${folder}/data_api_config.json`
    const content = await reader.json(file)
    if (content.state !== 'read') continue
    const config = readItem(dataApiFile, content.value, {
      findings: reader.findings,
      file,
      subject: 'Data API',
      severity: 'error',
      repair: closedExpression,
    })
    if (config === undefined) continue
    const script = config.run_as_user_id_script_source ?? ''
    const scriptName = script.trim() === '' ? '' : runAsScriptName('data_api')
    if (scriptName !== '') sources.push({ name: scriptName, file, text: script, generated: true })
    return {
      disabled: config.disabled ?? false,
      versions: config.versions ?? ['v1'],
      return_type: config.return_type ?? 'JSON',
      create_user_on_auth: config.create_user_on_auth ?? false,
      run_as_system: config.run_as_system ?? false,
      run_as_user_id: scriptName === '' ? (config.run_as_user_id ?? '') : '',
      run_as_user_id_script: scriptName,
      can_evaluate: config.can_evaluate ?? true,
      validation_method: config.validation_method ?? 'NO_VALIDATION',
      secret_name: config.secret_name ?? '',
      fetch_custom_user_data: config.fetch_custom_user_data ?? false,
      log_function_arguments: config.log_function_arguments ?? false,
    }
  }
  return undefined
}
