import { decodeDocument } from '../../bson/codec.ts'
import { type Doc, int, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { WriteBlocked } from '../../storage/transaction.ts'
import type { Invocation } from '../invocation.ts'

const MAX_BATCH = 100_000

/** @throws {DatabaseError} 16 InvalidLength */
export function assertBatchSize(length: number): void {
  if (length > 0 && length <= MAX_BATCH) return
  throw new DatabaseError(16, `Write batch sizes must be between 1 and ${MAX_BATCH}. Got ${length} operations.`)
}

/** The documents of a command's array, from its body or its document sequence. @throws {DatabaseError} 40414 */
export function documentsOf(invocation: Invocation, field: string): Doc[] {
  const sequence = invocation.sequences.get(field)
  const documents = sequence ? sequence.map((bytes) => decodeDocument(bytes)) : invocation.fields.documents(field)
  if (documents) return documents
  throw new DatabaseError(40414, `BSON field '${invocation.name}.${field}' is missing but a required field`)
}

/** The statements of a write command. @throws {DatabaseError} 16, 40414 */
export function statementsOf(invocation: Invocation, field: string): Doc[] {
  const statements = documentsOf(invocation, field)
  assertBatchSize(statements.length)
  return statements
}

/** What a write command does with its statements. */
export interface StatementRun<Statement> {
  /** @returns what the statement answers, and a retry of it again */
  run(statement: Statement, id: number): Promise<Doc>
  done(outcome: Doc, index: number): void
  /** @param error as an element of `writeErrors` */
  failed(error: Doc): void
}

/**
 * Runs the statements of a write command in order, until one fails when they are ordered or in a transaction. What a
 * retry finds done is told again, not done again.
 *
 * @returns `retriedStmtIds`
 * @throws {DatabaseError} what ends the whole command: 50, 112, 11601
 */
export async function runStatements<Statement>(
  invocation: Invocation,
  statements: readonly Statement[],
  { run, done, failed }: StatementRun<Statement>,
): Promise<Value[]> {
  const ordered = invocation.fields.boolean('ordered') ?? true
  const retried: Value[] = []
  for (const [index, statement] of statements.entries()) {
    const id = statementId(invocation, index)
    try {
      const known = invocation.outcome(id)
      if (known) retried.push(int(id))
      done(known ?? (await run(statement, id)), index)
    } catch (error) {
      failed(writeError(index, error))
      if (invocation.transaction) invocation.session?.abort(invocation.server.store)
      if (ordered || invocation.transaction) break
    }
  }
  return retried
}

/** Errors that end the command, not the statement: time limit, conflict, interruption. */
const COMMAND_ERRORS = new Set([50, 112, 11601])

function writeError(index: number, error: unknown): Doc {
  if (error instanceof WriteBlocked || !(error instanceof DatabaseError) || COMMAND_ERRORS.has(error.code)) throw error
  const described: Doc = new Map<string, Value>([
    ['index', int(index)],
    ['code', int(error.code)],
  ])
  for (const [field, value] of error.extra ?? []) described.set(field, value)
  described.set('errmsg', error.message)
  return described
}

/** The number of a retryable command's statement. */
export function statementId(invocation: Invocation, index: number): number {
  const single = invocation.body.get('stmtId')
  if (single !== undefined) return Number(single?.valueOf()) + index
  const given = invocation.body.get('stmtIds')
  if (Array.isArray(given) && given[index] !== undefined) return Number(given[index]?.valueOf())
  return index
}

/** `writeErrors` and `retriedStmtIds`, where there are any. */
export function listed(writeErrors: readonly Doc[], retried: readonly Value[]): { [field: string]: Value } {
  return {
    ...(writeErrors.length > 0 ? { writeErrors: [...writeErrors] } : {}),
    ...(retried.length > 0 ? { retriedStmtIds: [...retried] } : {}),
  }
}
