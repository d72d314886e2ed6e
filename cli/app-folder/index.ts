import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { AppDefinition } from '../../schemas/app/definition.ts'
import { AppFolderError } from './app-folder-error.ts'
import { readAuthProviders, readCustomUserData } from './auth.ts'
import { readDataSources } from './data-sources.ts'
import { readDataApi, readEndpoints } from './endpoints.ts'
import { readEnvironmentValues, templateResolver } from './environment.ts'
import { type Finding, Findings } from './finding.ts'
import { FolderReader } from './folder-reader.ts'
import { type FunctionSource, readFunctionSources, readFunctions } from './functions.ts'
import type { Origins } from './origins.ts'
import { checkReferences } from './references.ts'
import { environmentOf, identityOf, readRoot } from './root.ts'
import { readThirdPartyServices } from './third-party-services.ts'
import { readTriggers } from './triggers.ts'
import { readValues } from './values.ts'

export { AppFolderError } from './app-folder-error.ts'
export type { Finding, Severity } from './finding.ts'
export type { FunctionSource } from './functions.ts'
export type { Origins } from './origins.ts'

export interface LoadOptions {
  /** Environment in force; default: the root file's. `none` is the one without a name. */
  readonly environment?: string
}

export interface LoadedApp {
  readonly definition: AppDefinition
  /** Function files and the scripts that configuration files carry. */
  readonly sources: readonly FunctionSource[]
  readonly findings: readonly Finding[]
  readonly origins: Origins
}

/**
 * Reads an exported App Services app folder of version 20210101 or 20230101 (spec: app folder, real apps). Only files
 * of the layout are read; what is odd in them becomes a finding, and the rest is served.
 *
 * @throws {AppFolderError} when the folder is no app, or one of an older layout
 */
export async function loadAppFolder(dir: string, options: LoadOptions = {}): Promise<LoadedApp> {
  const root = path.resolve(dir)
  const found = await stat(root).catch(() => undefined)
  if (found === undefined)
    throw new AppFolderError(`${root} does not exist; give the folder of an exported app with --app`)
  if (!found.isDirectory())
    throw new AppFolderError(
      `${root} is a file; give the folder of an exported app with --app (unpack it if it is a zip)`,
    )
  const findings = new Findings()
  const reader = new FolderReader(root, findings)
  const rootFile = await readRoot(reader)
  const environment = environmentOf(rootFile, options.environment, reader)
  const environmentValues = await readEnvironmentValues(reader, environment)
  reader.resolve = templateResolver(environment, environmentValues, findings)
  const content = reader.resolve(rootFile.content, rootFile.file ?? 'realm_config.json') as typeof rootFile.content
  const sources = await readFunctionSources(reader)
  const functions = await readFunctions(reader, sources)
  const known = await readDataSources(reader)
  const thirdPartyServices = await readThirdPartyServices(reader, known.dataSources)
  const dataApi = await readDataApi(reader, sources)
  const customUserData = await readCustomUserData(reader)
  const definition: AppDefinition = {
    ...identityOf({ ...rootFile, content }, reader),
    environment,
    environmentValues,
    dataSources: [...known.dataSources],
    ...(Object.keys(thirdPartyServices).length === 0 ? {} : { thirdPartyServices }),
    functions,
    triggers: await readTriggers(reader, known),
    endpoints: await readEndpoints(reader),
    ...(dataApi === undefined ? {} : { dataApi }),
    authProviders: await readAuthProviders(reader),
    ...(customUserData === undefined ? {} : { customUserData }),
    values: await readValues(reader),
  }
  checkReferences(definition, reader.origins, findings)
  return { definition, sources, findings: findings.list, origins: reader.origins }
}
