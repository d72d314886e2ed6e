import { type Doc, int, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import { assertWritableName } from '../storage/namespace.ts'
import type { Command } from './command.ts'
import { projectionOf } from './support/reading.ts'
import type { Reply } from './support/reply.ts'
import { statementId } from './support/statements.ts'
import { type DeleteOutcome, runDelete, runUpdate, type UpdateOutcome } from './support/writing.ts'
import { updateOf } from './update.ts'

/** Changes or removes one document and answers with it, as it was or as it is. */
export const findAndModify: Command = {
  name: 'findAndModify',
  fields: [
    'query',
    'sort',
    'remove',
    'update',
    'new',
    'fields',
    'upsert',
    'bypassDocumentValidation',
    'bypassEmptyTsReplacement',
    'collation',
    'arrayFilters',
    'hint',
    'let',
    'stmtId',
  ],
  inTransaction: true,
  writes: true,
  stable: true,
  async run(invocation): Promise<Reply> {
    const { fields } = invocation
    const name = invocation.collectionName()
    assertWritableName(invocation.db, name)
    const id = statementId(invocation, 0)
    const known = invocation.outcome(id)
    if (known) return { fields: new Map<string, Value>([...known, ['retriedStmtId', int(id)]]) }
    const removes = fields.boolean('remove') ?? false
    const given = fields.raw('update')
    if (removes && given !== undefined) {
      throw new DatabaseError(9, "Cannot specify both an 'update' and 'remove'=true")
    }
    if (removes && fields.boolean('upsert'))
      throw new DatabaseError(9, "Cannot specify both 'upsert'=true and 'remove'=true")
    if (removes && fields.boolean('new')) {
      throw new DatabaseError(
        9,
        "Cannot specify both 'new'=true and 'remove'=true; 'remove' always returns the deleted document",
      )
    }
    if (!removes && given === undefined) {
      throw new DatabaseError(9, "Either an 'update' or 'remove'=true must be specified")
    }
    const common = {
      filter: fields.document('query') ?? new Map(),
      sort: fields.document('sort'),
      collation: fields.document('collation'),
      hint: fields.raw('hint'),
      let: fields.document('let'),
    }
    const projection = projectionOf(invocation, { ...common, projection: fields.document('fields') })
    const show = (document: Doc | undefined): Value =>
      document === undefined ? null : projection ? projection(document) : document
    if (removes) {
      const answer = (outcome: DeleteOutcome): Doc => removed(outcome, show)
      const statement = { ...common, multi: false }
      const outcome = await invocation.unblocked(() => runDelete(invocation, name, statement, id, answer))
      return { fields: answer(outcome) }
    }
    const wantsNew = fields.boolean('new') ?? false
    const answer = (outcome: UpdateOutcome): Doc => updated(outcome, wantsNew, show)
    const statement = {
      ...common,
      update: updateOf(given),
      multi: false,
      upsert: fields.boolean('upsert') ?? false,
      arrayFilters: fields.documents('arrayFilters'),
    }
    const outcome = await invocation.unblocked(() => runUpdate(invocation, name, statement, id, answer))
    return { fields: answer(outcome) }
  },
}

function removed({ deleted, before }: DeleteOutcome, show: (document: Doc | undefined) => Value): Doc {
  return new Map<string, Value>([
    ['lastErrorObject', new Map<string, Value>([['n', int(deleted)]])],
    ['value', show(before)],
  ])
}

function updated(outcome: UpdateOutcome, wantsNew: boolean, show: (document: Doc | undefined) => Value): Doc {
  const last: Doc = new Map<string, Value>([
    ['n', int(outcome.upsertedId === undefined ? outcome.matched : 1)],
    ['updatedExisting', outcome.matched > 0],
  ])
  if (outcome.upsertedId !== undefined) last.set('upserted', outcome.upsertedId)
  return new Map<string, Value>([
    ['lastErrorObject', last],
    ['value', show(wantsNew ? outcome.after : outcome.before)],
  ])
}
