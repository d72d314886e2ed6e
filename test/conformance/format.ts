import { z } from 'zod'

/** The parts of MongoDB's unified test format (schema 1.x) that the runner reads, in the words of the format. */

const json = z.record(z.string(), z.unknown())

const runOnRequirement = z.object({
  minServerVersion: z.string().optional(),
  maxServerVersion: z.string().optional(),
  topologies: z.array(z.string()).optional(),
  serverless: z.enum(['require', 'forbid', 'allow']).optional(),
  serverParameters: json.optional(),
  auth: z.boolean().optional(),
  authMechanism: z.string().optional(),
  csfle: z.union([z.boolean(), json]).optional(),
})

const collectionData = z.object({
  databaseName: z.string(),
  collectionName: z.string(),
  createOptions: json.optional(),
  documents: z.array(json),
})

const expectedEventsForClient = z.object({
  client: z.string(),
  eventType: z.enum(['command', 'cmap', 'sdam']).optional(),
  events: z.array(json),
  ignoreExtraEvents: z.boolean().optional(),
})

const expectedError = z.object({
  isError: z.boolean().optional(),
  isClientError: z.boolean().optional(),
  isTimeoutError: z.boolean().optional(),
  errorContains: z.string().optional(),
  errorCode: z.number().optional(),
  errorCodeName: z.string().optional(),
  errorLabelsContain: z.array(z.string()).optional(),
  errorLabelsOmit: z.array(z.string()).optional(),
  writeErrors: json.optional(),
  writeConcernErrors: z.array(json).optional(),
  errorResponse: json.optional(),
  expectResult: z.unknown().optional(),
})

const operation = z.object({
  name: z.string(),
  object: z.string(),
  arguments: json.optional(),
  ignoreResultAndError: z.boolean().optional(),
  expectError: expectedError.optional(),
  expectResult: z.unknown().optional(),
  saveResultAsEntity: z.string().optional(),
})

const test = z.object({
  description: z.string(),
  runOnRequirements: z.array(runOnRequirement).optional(),
  skipReason: z.string().optional(),
  operations: z.array(operation),
  expectEvents: z.array(expectedEventsForClient).optional(),
  expectLogMessages: z.unknown().optional(),
  expectTracingMessages: z.unknown().optional(),
  outcome: z.array(collectionData).optional(),
})

export const testFile = z.object({
  description: z.string(),
  schemaVersion: z.string(),
  runOnRequirements: z.array(runOnRequirement).optional(),
  createEntities: z.array(json).optional(),
  initialData: z.array(collectionData).optional(),
  tests: z.array(test),
})

export type RunOnRequirement = z.infer<typeof runOnRequirement>
export type CollectionData = z.infer<typeof collectionData>
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
