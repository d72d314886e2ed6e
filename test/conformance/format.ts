import { z } from 'zod'
import { InvalidTestError } from './errors.ts'

/**
 * The unified test format (schema 1.x), as its JSON schema has it: whatever a file has besides is a mistake in the file.
 *
 * @see https://github.com/mongodb/specifications/blob/master/source/unified-test-format/unified-test-format.md
 */

const json = z.record(z.string(), z.unknown())
const version = z.string().regex(/^\d+(\.\d+){1,2}$/, 'is no version')
const nonEmpty = <Item extends z.ZodType>(item: Item) => z.array(item).min(1)
const sole = (fields: Readonly<Record<string, unknown>>) => Object.keys(fields).length === 1

const runOnRequirement = z
  .strictObject({
    minServerVersion: version.optional(),
    maxServerVersion: version.optional(),
    minLibmongocryptVersion: version.optional(),
    topologies: nonEmpty(z.enum(['single', 'replicaset', 'sharded', 'sharded-replicaset', 'load-balanced'])).optional(),
    serverless: z.enum(['require', 'forbid', 'allow']).optional(),
    serverParameters: json.optional(),
    auth: z.boolean().optional(),
    authMechanism: z.string().optional(),
    csfle: z.union([z.boolean(), json]).optional(),
  })
  .refine((requirement) => Object.keys(requirement).length > 0, 'is empty')

const collectionOrDatabaseOptions = z.strictObject({
  readConcern: json.optional(),
  readPreference: json.optional(),
  writeConcern: json.optional(),
  timeoutMS: z.int().optional(),
})

const storeEventsAsEntity = z.strictObject({ id: z.string(), events: nonEmpty(z.string()) })

const client = z.strictObject({
  id: z.string(),
  uriOptions: json.optional(),
  useMultipleMongoses: z.boolean().optional(),
  observeEvents: nonEmpty(z.string()).optional(),
  ignoreCommandMonitoringEvents: nonEmpty(z.string()).optional(),
  observeSensitiveCommands: z.boolean().optional(),
  storeEventsAsEntities: nonEmpty(storeEventsAsEntity).optional(),
  observeLogMessages: json.optional(),
  observeTracingMessages: json.optional(),
  serverApi: z
    .strictObject({
      version: z.string(),
      strict: z.boolean().optional(),
      deprecationErrors: z.boolean().optional(),
    })
    .optional(),
  autoEncryptOpts: json.optional(),
  awaitMinPoolSizeMS: z.int().optional(),
})

const entity = z
  .strictObject({
    client: client.optional(),
    clientEncryption: json.optional(),
    database: z
      .strictObject({
        id: z.string(),
        client: z.string(),
        databaseName: z.string(),
        databaseOptions: collectionOrDatabaseOptions.optional(),
      })
      .optional(),
    collection: z
      .strictObject({
        id: z.string(),
        database: z.string(),
        collectionName: z.string(),
        collectionOptions: collectionOrDatabaseOptions.optional(),
      })
      .optional(),
    session: z.strictObject({ id: z.string(), client: z.string(), sessionOptions: json.optional() }).optional(),
    bucket: z.strictObject({ id: z.string(), database: z.string(), bucketOptions: json.optional() }).optional(),
    thread: z.strictObject({ id: z.string() }).optional(),
  })
  .refine(sole, 'names exactly one kind of entity')

const collectionData = z.strictObject({
  databaseName: z.string(),
  collectionName: z.string(),
  createOptions: json.refine((options) => !('writeConcern' in options), 'has a writeConcern').optional(),
  documents: z.array(json),
})

const expectedEventsForClient = z.strictObject({
  client: z.string(),
  eventType: z.enum(['command', 'cmap', 'sdam']).optional(),
  events: z.array(json.refine(sole, 'names exactly one kind of event')),
  ignoreExtraEvents: z.boolean().optional(),
})

const expectedError = z
  .strictObject({
    isError: z.literal(true).optional(),
    isClientError: z.boolean().optional(),
    isTimeoutError: z.boolean().optional(),
    errorContains: z.string().optional(),
    errorCode: z.int().optional(),
    errorCodeName: z.string().optional(),
    errorLabelsContain: nonEmpty(z.string()).optional(),
    errorLabelsOmit: nonEmpty(z.string()).optional(),
    writeErrors: json.optional(),
    writeConcernErrors: z.array(json).optional(),
    errorResponse: json.optional(),
    expectResult: z.unknown().optional(),
  })
  .refine((error) => Object.keys(error).length > 0, 'is empty')

const EXCLUSIVE = [
  ['expectError', 'expectResult'],
  ['expectError', 'saveResultAsEntity'],
  ['ignoreResultAndError', 'expectResult'],
  ['ignoreResultAndError', 'expectError'],
  ['ignoreResultAndError', 'saveResultAsEntity'],
] as const

const operation = z
  .strictObject({
    name: z.string(),
    object: z.string(),
    arguments: json.optional(),
    ignoreResultAndError: z.boolean().optional(),
    expectError: expectedError.optional(),
    expectResult: z.unknown().optional(),
    saveResultAsEntity: z.string().optional(),
  })
  .superRefine((fields, context) => {
    for (const [one, other] of EXCLUSIVE) {
      if (one in fields && other in fields) context.addIssue({ code: 'custom', message: `has ${one} and ${other}` })
    }
  })

const test = z.strictObject({
  description: z.string(),
  runOnRequirements: nonEmpty(runOnRequirement).optional(),
  skipReason: z.string().optional(),
  operations: z.array(operation),
  expectEvents: nonEmpty(expectedEventsForClient).optional(),
  expectLogMessages: z.array(json).optional(),
  expectTracingMessages: z.unknown().optional(),
  outcome: nonEmpty(collectionData).optional(),
})

export const testFile = z.strictObject({
  description: z.string(),
  schemaVersion: version,
  runOnRequirements: nonEmpty(runOnRequirement).optional(),
  createEntities: nonEmpty(entity).optional(),
  initialData: nonEmpty(collectionData).optional(),
  tests: nonEmpty(test),
  _yamlAnchors: json.optional(),
})

export { entity as entityDescription, operation as nestedOperation }

/** What stands within the arguments of an operation. @throws {InvalidTestError} when it is malformed */
export function checked<Shape extends z.ZodType>(shape: Shape, value: unknown): z.infer<Shape> {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  throw new InvalidTestError(describeIssue(parsed.error))
}

/** The first issue on one line, with its place. */
export function describeIssue({ issues: [issue] }: z.ZodError): string {
  const place = issue?.path.join('.') ?? ''
  return `${place === '' ? '' : `${place}: `}${issue?.message ?? 'not in the unified test format'}`
}

export type RunOnRequirement = z.infer<typeof runOnRequirement>
export type CollectionData = z.infer<typeof collectionData>
export type EntityDescription = z.infer<typeof entity>
export type ClientDescription = z.infer<typeof client>
export type ExpectedEventsForClient = z.infer<typeof expectedEventsForClient>
export type ExpectedError = z.infer<typeof expectedError>
export type Operation = z.infer<typeof operation>
export type UnifiedTest = z.infer<typeof test>
export type TestFile = z.infer<typeof testFile>

/** What the matchers and helpers call a document of a test file. */
export type Json = Record<string, unknown>

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
