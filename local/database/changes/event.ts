import { encodeDocument } from '../bson/codec.ts'
import { Binary, type Doc, int, isDoc, type Value } from '../bson/value.ts'
import { describeUpdate } from '../engine/update/describe.ts'
import { DatabaseError } from '../errors.ts'
import { toTimestamp } from '../storage/clock.ts'
import { rawId } from '../storage/collection.ts'
import { decodeStored } from '../storage/record.ts'
import { type CatalogChange, type Change, type DocumentChange, isDocumentChange } from './change.ts'
import { resumeToken } from './resume-token.ts'

export type FullDocumentMode = 'default' | 'updateLookup' | 'whenAvailable' | 'required'
export type BeforeChangeMode = 'off' | 'whenAvailable' | 'required'

/** What a stream wants to be told, and how. */
export interface EventOptions {
  readonly fullDocument: FullDocumentMode
  readonly beforeChange: BeforeChangeMode
  /** Also changes of definitions, and more fields of each event. */
  readonly expanded: boolean
  /** The document as it is now. */
  lookup(change: DocumentChange): Doc | undefined
}

function head(change: Change, type: string): Doc {
  return new Map<string, Value>([
    ['_id', resumeToken({ time: change.time, position: change.position, told: 'event' })],
    ['operationType', type],
    ['clusterTime', toTimestamp(change.time)],
    ['wallTime', new Date(change.wallTime)],
  ])
}

/** The event of a change; `undefined` when the stream is not told of such. @throws {DatabaseError} 47 for a missing image */
export function eventOf(change: Change, options: EventOptions): Doc | undefined {
  return isDocumentChange(change) ? documentEvent(change, options) : catalogEvent(change, options)
}

/** The event that ends a stream. */
export function invalidateEvent(change: Change): Doc {
  const event = head(change, 'invalidate')
  event.set('_id', resumeToken({ time: change.time, position: change.position, told: 'invalidate' }))
  return event
}

function namespaceOf(change: Change): Doc {
  const namespace: Doc = new Map<string, Value>([['db', change.db]])
  if (change.kind !== 'dropDatabase') namespace.set('coll', change.collection)
  return namespace
}

function documentEvent(change: DocumentChange, options: EventOptions): Doc {
  const event = head(change, change.kind)
  if (change.transaction) {
    const { session, txnNumber } = change.transaction
    event.set('lsid', new Map([['id', new Binary(Buffer.from(session, 'hex'), Binary.SUBTYPE_UUID)]]))
    event.set('txnNumber', txnNumber)
  }
  if (options.expanded) event.set('collectionUUID', change.uuid)
  if (change.after && change.kind !== 'update') event.set('fullDocument', decodeStored(change.after))
  event.set('ns', namespaceOf(change))
  event.set('documentKey', new Map([['_id', rawId((change.after ?? change.before)!)]]))
  if (change.kind === 'update') {
    event.set('updateDescription', describe(change, options.expanded))
    addFullDocument(event, change, options)
  }
  if (change.kind !== 'insert') addBeforeChange(event, change, options.beforeChange)
  return event
}

function describe(change: DocumentChange, expanded: boolean): Doc {
  const after = decodeStored(change.after!)
  const { updatedFields, removedFields, truncatedArrays } = describeUpdate(decodeStored(change.before!), after)
  const description: Doc = new Map<string, Value>([
    ['updatedFields', updatedFields],
    ['removedFields', removedFields],
    ['truncatedArrays', truncatedArrays],
  ])
  if (expanded) {
    const before = decodeStored(change.before!)
    const ambiguous: Doc = new Map()
    for (const path of updatedFields.keys()) addDisambiguated(ambiguous, path, after)
    for (const path of removedFields) addDisambiguated(ambiguous, path, before)
    description.set('disambiguatedPaths', ambiguous)
  }
  return description
}

/** A path is ambiguous when a field's name contains a dot or looks like an array position. */
function addDisambiguated(ambiguous: Doc, path: string, document: Doc): void {
  const parts: Value[] = []
  let unclear = false
  let value: Value | undefined = document
  const names = path.split('.')
  for (let at = 0; at < names.length; ) {
    let name = names[at]!
    let length = 1
    if (Array.isArray(value)) {
      parts.push(int(Number(name)))
      value = value[Number(name)]
    } else if (isDoc(value)) {
      while (!value.has(name) && at + length < names.length) name = names.slice(at, at + ++length).join('.')
      if (!value.has(name)) {
        name = names[at]!
        length = 1
      }
      if (length > 1 || /^\d+$/.test(name)) unclear = true
      parts.push(name)
      value = value.get(name)
    } else {
      parts.push(name)
      value = undefined
    }
    at += length
  }
  if (unclear) ambiguous.set(path, parts)
}

function missingImage(kind: 'pre' | 'post', change: DocumentChange): DatabaseError {
  const id = Buffer.from(encodeDocument(new Map([['_id', rawId((change.after ?? change.before)!)]]))).toString('hex')
  return new DatabaseError(
    47,
    `Change stream was configured to require a ${kind}-image for all update${kind === 'pre' ? ', delete and replace' : ''} events, but the ${kind}-image was not found for event: ${change.kind} of ${change.db}.${change.collection} (key ${id})`,
  )
}

function addFullDocument(event: Doc, change: DocumentChange, options: EventOptions): void {
  switch (options.fullDocument) {
    case 'default':
      return
    case 'updateLookup':
      event.set('fullDocument', options.lookup(change) ?? null)
      return
    case 'whenAvailable':
      event.set('fullDocument', change.preImages ? decodeStored(change.after!) : null)
      return
    case 'required':
      if (!change.preImages) throw missingImage('post', change)
      event.set('fullDocument', decodeStored(change.after!))
  }
}

function addBeforeChange(event: Doc, change: DocumentChange, mode: BeforeChangeMode): void {
  if (mode === 'off') return
  if (mode === 'required' && !change.preImages) throw missingImage('pre', change)
  event.set('fullDocumentBeforeChange', change.preImages && change.before ? decodeStored(change.before) : null)
}

function catalogEvent(change: CatalogChange, options: EventOptions): Doc | undefined {
  const { kind, details } = change
  const always = kind === 'drop' || kind === 'rename' || kind === 'dropDatabase'
  if (!always && !options.expanded) return undefined
  const event = head(change, kind)
  if (options.expanded && kind !== 'dropDatabase') event.set('collectionUUID', change.uuid)
  event.set('ns', namespaceOf(change))
  switch (kind) {
    case 'rename':
      event.set('to', details.get('to')!)
      if (options.expanded) event.set('operationDescription', details)
      break
    case 'create':
      event.set('operationDescription', createDescription(details))
      break
    case 'createIndexes':
    case 'dropIndexes':
      event.set('operationDescription', details)
      break
    case 'modify':
      event.set('operationDescription', details.get('shown') ?? new Map())
      event.set('stateBeforeChange', stateBefore(change))
      break
    default:
  }
  return event
}

function createDescription(details: Doc): Doc {
  const options = details.get('options')
  const given = isDoc(options) ? options : new Map<string, Value>()
  if (given.has('viewOn')) return given
  return new Map<string, Value>([
    ...given,
    [
      'idIndex',
      new Map<string, Value>([
        ['v', int(2)],
        ['key', new Map([['_id', int(1)]])],
        ['name', '_id_'],
      ]),
    ],
  ])
}

function stateBefore({ details, uuid }: CatalogChange): Doc {
  const before = details.get('before')
  const state: Doc = new Map()
  const options = isDoc(before) ? before : new Map<string, Value>()
  if (options.has('index')) {
    state.set('collectionOptions', new Map([['uuid', uuid]]))
    state.set('indexOptions', options.get('index')!)
  } else state.set('collectionOptions', new Map<string, Value>([['uuid', uuid], ...options]))
  return state
}
