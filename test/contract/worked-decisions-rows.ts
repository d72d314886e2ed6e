/** What a decision answers: the value, or the text and code of its refusal. */
export type Decision =
  | { readonly value: unknown }
  | { readonly refused: string; readonly code?: 'SchemaValidationFailedWrite' | 'MongoDBError' }

/** One call of a worked decision (spec: rules 8); `{{ann}}` and `{{bob}}` stand for ids of users. */
export interface DecisionRow {
  readonly number: number
  readonly what: string
  /** The collection, and with it the rules. */
  readonly rules: keyof typeof collections
  readonly as: 'ann' | 'bob' | 'key'
  readonly action: 'findOne' | 'find' | 'aggregate' | 'insertOne' | 'updateOne' | 'deleteOne' | 'deleteMany'
  readonly fields?: {
    readonly filter?: object
    readonly projection?: object
    readonly sort?: object
    readonly limit?: number
    readonly document?: object
    readonly update?: object
    readonly upsert?: boolean
    readonly pipeline?: object[]
  }
  readonly decides: Decision
}

export const document = {
  _id: 1,
  owner: '{{bob}}',
  team: 't1',
  title: 'x',
  salary: 10,
  addr: { city: 'Bari', zip: '70100' },
  members: ['{{bob}}'],
}

const everyone = (role: object) => ({ roles: [{ name: 'everyone', apply_when: {}, ...role }] })
const owned = { name: 'owner', apply_when: { owner: '%%user.id' }, read: true, write: true }
const admin = { name: 'admin', apply_when: { '%%user.custom_data.role': 'admin' }, read: true, write: true }
const member = (name: string) => ({
  name: 'members',
  apply_when: { '%%true': { '%function': { name, arguments: ['%%user.id', '%%root.team'] } } },
  read: true,
})

/** The rules of each collection, as an exported folder holds them. */
export const collections = {
  owned: { roles: [owned] },
  adminAfterAll: { roles: [{ name: 'r0', apply_when: {}, read: true }, admin] },
  titleOnly: everyone({ fields: { title: { read: true }, salary: { read: false } }, additional_fields: {} }),
  hiddenButTitle: everyone({ read: false, fields: { title: { read: true } } }),
  readAdditional: everyone({ write: false, additional_fields: { read: true } }),
  writeTitle: everyone({ read: true, fields: { title: { write: true } }, additional_fields: { write: false } }),
  cityOnly: everyone({ fields: { addr: { fields: { city: { read: true, write: true } } } }, additional_fields: {} }),
  insertOnly: everyone({ insert: true, delete: false, write: { '%%prevRoot': { '%exists': false } } }),
  noInsert: everyone({ insert: false, write: true }),
  ownDelete: everyone({ read: true, write: true, delete: { owner: '%%user.id' } }),
  teamFilter: everyone({
    document_filters: { read: { team: { '%in': '%%user.custom_data.teams' } }, write: false },
    read: true,
    write: true,
  }),
  ownerFilter: {
    ...everyone({ read: true }),
    filters: [
      {
        name: 'own',
        apply_when: { '%%user.type': 'normal' },
        query: { owner: '%%user.id' },
        projection: { salary: 0 },
      },
    ],
  },
  adminsOnly: { roles: [admin] },
  oidOfUser: everyone({ apply_when: { _id: { '%stringToOid': '%%user.id' } }, read: true, write: true }),
  textOfUser: everyone({ apply_when: { _id: '%%user.id' }, read: true, write: true }),
  memberFunction: { roles: [member('isMember')] },
  throwingFunction: { roles: [member('throwing')] },
  titled: { roles: [owned], schema: { title: 'titled', bsonType: 'object', required: ['title'] } },
}

const { salary: _salary, ...withoutSalary } = document
const whole: Decision = { value: document }
const hidden: Decision = { value: null }
const changed: Decision = { value: { matchedCount: 1, modifiedCount: 1 } }
const refused = (what: string): Decision => ({ refused: `${what} not permitted` })
const set = (fields: object) => ({ filter: { _id: 1 }, update: { $set: fields } })
const unset = (field: string) => ({ filter: { _id: 1 }, update: { $unset: { [field]: '' } } })
const one = { filter: { _id: 1 } }
const insert = { document: { _id: 2, title: 'n' } }

type Row = [
  number: number,
  what: string,
  rules: DecisionRow['rules'],
  as: DecisionRow['as'],
  action: DecisionRow['action'],
  fields: NonNullable<DecisionRow['fields']>,
  decides: Decision,
]

const decisions: Row[] = [
  [1, 'the owner reads all', 'owned', 'bob', 'findOne', one, whole],
  [2, 'no role hides one', 'owned', 'ann', 'findOne', one, hidden],
  [2, 'no role hides many', 'owned', 'ann', 'find', {}, { value: [] }],
  [3, 'no role refuses an update', 'owned', 'ann', 'updateOne', set({ title: 'y' }), refused('update')],
  [4, 'only the first role counts', 'adminAfterAll', 'ann', 'updateOne', set({ title: 'y' }), refused('update')],
  [5, 'field rules leave the readable field', 'titleOnly', 'bob', 'findOne', one, { value: { title: 'x' } }],
  [6, 'read false hides whatever fields say', 'hiddenButTitle', 'bob', 'findOne', one, hidden],
  [7, 'write false leaves reads to the fields', 'readAdditional', 'bob', 'findOne', one, whole],
  [7, 'write false refuses updates', 'readAdditional', 'bob', 'updateOne', set({ title: 'y' }), refused('update')],
  [8, 'a writable field may change', 'writeTitle', 'bob', 'updateOne', set({ title: 'y' }), changed],
  [8, 'one field too many', 'writeTitle', 'bob', 'updateOne', set({ title: 'y', salary: 11 }), refused('update')],
  [8, 'removing a field is writing it', 'writeTitle', 'bob', 'updateOne', unset('salary'), refused('update')],
  [9, 'rules inside a field, read', 'cityOnly', 'bob', 'findOne', one, { value: { addr: { city: 'Bari' } } }],
  [9, 'rules inside a field, written', 'cityOnly', 'bob', 'updateOne', set({ 'addr.city': 'Roma' }), changed],
  [9, 'a hidden part removed', 'cityOnly', 'bob', 'updateOne', set({ addr: { city: 'Roma' } }), refused('update')],
  [10, 'an insert-only role inserts', 'insertOnly', 'bob', 'insertOne', insert, { value: { insertedId: 2 } }],
  [10, 'an insert-only role reads nothing', 'insertOnly', 'bob', 'find', {}, { value: [] }],
  [11, 'insert false', 'noInsert', 'bob', 'insertOne', insert, refused('insert')],
  [
    11,
    'insert false and an upsert without match',
    'noInsert',
    'bob',
    'updateOne',
    { filter: { _id: 5 }, update: { $set: { title: 'y' } }, upsert: true },
    refused('insert'),
  ],
  [
    11,
    'insert false and an upsert with a match',
    'noInsert',
    'bob',
    'updateOne',
    { ...set({ title: 'y' }), upsert: true },
    changed,
  ],
  [12, 'delete has its own expression', 'ownDelete', 'bob', 'deleteOne', one, { value: { deletedCount: 1 } }],
  [12, 'delete has its own expression', 'ownDelete', 'ann', 'deleteOne', one, refused('delete')],
  [13, 'a document filter that holds', 'teamFilter', 'ann', 'findOne', one, whole],
  [13, 'a document filter over a missing list', 'teamFilter', 'bob', 'findOne', one, hidden],
  [13, 'a document filter blocks writes', 'teamFilter', 'ann', 'updateOne', set({ title: 'y' }), refused('update')],
  [14, 'a filter joins', 'ownerFilter', 'bob', 'find', { filter: { title: 'x' } }, { value: [withoutSalary] }],
  [14, 'a filter for others', 'ownerFilter', 'key', 'find', { filter: { title: 'x' } }, { value: [document] }],
  [
    14,
    'projections of both kinds',
    'ownerFilter',
    'bob',
    'find',
    { filter: {}, projection: { title: 1 } },
    { refused: 'Cannot do inclusion on field title in exclusion projection', code: 'MongoDBError' },
  ],
  [15, 'defaults do not stand in, reading', 'adminsOnly', 'bob', 'find', {}, { value: [] }],
  [15, 'defaults do not stand in, writing', 'adminsOnly', 'bob', 'updateOne', set({ title: 'y' }), refused('update')],
  [16, 'an ObjectId matches', 'oidOfUser', 'bob', 'find', {}, { value: [{ _id: { $oid: '{{bob}}' }, title: 'me' }] }],
  [16, 'an ObjectId is no text', 'textOfUser', 'bob', 'find', {}, { value: [] }],
  [17, 'a function that answers true', 'memberFunction', 'bob', 'findOne', one, whole],
  [17, 'a function that throws', 'throwingFunction', 'bob', 'findOne', one, hidden],
  [18, 'nobody takes over', 'owned', 'ann', 'updateOne', set({ owner: '{{ann}}' }), refused('update')],
  [
    19,
    'a schema refuses',
    'titled',
    'bob',
    'updateOne',
    unset('title'),
    { refused: 'update not permitted', code: 'SchemaValidationFailedWrite' },
  ],
]

const none: Decision = { value: [] }
const titles: Decision = { value: [{ title: 'x' }] }
const unmatched: Decision = { value: { matchedCount: 0, modifiedCount: 0 } }

/** Ways to ask for the hidden `salary` of a document of which only the title may be read, or written. */
const questions: Row[] = [
  [5, 'a filter', 'titleOnly', 'bob', 'find', { filter: { salary: { $gt: 5 } } }, none],
  [5, 'a filter on what is absent', 'titleOnly', 'bob', 'find', { filter: { salary: { $exists: true } } }, none],
  [5, 'a filter by $or', 'titleOnly', 'bob', 'find', { filter: { $or: [{ salary: 10 }, { title: 'y' }] } }, none],
  [5, 'a page of a sort', 'titleOnly', 'bob', 'find', { sort: { salary: -1 }, limit: 1 }, titles],
  [5, 'a projection', 'titleOnly', 'bob', 'find', { projection: { salary: 1, title: 1 } }, titles],
  [
    5,
    'a computed projection',
    'titleOnly',
    'bob',
    'find',
    { projection: { rich: { $gt: ['$salary', 5] }, all: '$$ROOT' } },
    { value: [{ rich: false, all: { title: 'x' } }] },
  ],
  [
    5,
    'a group',
    'titleOnly',
    'bob',
    'aggregate',
    { pipeline: [{ $group: { _id: '$salary', all: { $push: '$$ROOT' } } }] },
    { value: [{ _id: null, all: [{ title: 'x' }] }] },
  ],
  [5, 'a match', 'titleOnly', 'bob', 'aggregate', { pipeline: [{ $match: { salary: 10 } }] }, none],
  [5, 'a delete', 'titleOnly', 'bob', 'deleteMany', { filter: { salary: 10 } }, { value: { deletedCount: 0 } }],
  [
    8,
    'a right guess',
    'cityOnly',
    'bob',
    'updateOne',
    { filter: { _id: 1 }, update: { $set: { salary: 10 } } },
    refused('update'),
  ],
  [
    8,
    'a wrong guess',
    'cityOnly',
    'bob',
    'updateOne',
    { filter: { _id: 1 }, update: { $set: { salary: 11 } } },
    refused('update'),
  ],
  [
    9,
    'an update by a filter',
    'cityOnly',
    'bob',
    'updateOne',
    { filter: { 'addr.zip': '70100' }, update: { $set: { 'addr.city': 'Roma' } } },
    unmatched,
  ],
  [
    9,
    'an upsert by a filter',
    'cityOnly',
    'bob',
    'updateOne',
    { filter: { 'addr.zip': '70100' }, update: { $set: { 'addr.city': 'Roma' } }, upsert: true },
    refused('insert'),
  ],
  [
    9,
    'an upsert by another filter',
    'cityOnly',
    'bob',
    'updateOne',
    { filter: { 'addr.zip': '70101' }, update: { $set: { 'addr.city': 'Roma' } }, upsert: true },
    refused('insert'),
  ],
  [
    9,
    'a rename',
    'cityOnly',
    'bob',
    'updateOne',
    { filter: { _id: 1 }, update: { $rename: { 'addr.zip': 'addr.city' } } },
    refused('update'),
  ],
  [
    9,
    'a pipeline',
    'cityOnly',
    'bob',
    'updateOne',
    { filter: { _id: 1 }, update: [{ $set: { 'addr.city': '$addr.zip' } }] },
    refused('update'),
  ],
  [
    9,
    'the text of a failure',
    'cityOnly',
    'bob',
    'updateOne',
    { filter: { _id: 1 }, update: { $set: { 'salary.x': 1 } } },
    refused('update'),
  ],
  ...(['$lookup', '$graphLookup', '$unionWith', '$facet', '$merge', '$out', '$documents', '$collStats'] as const).map(
    (stage): Row => [
      5,
      stage,
      'titleOnly',
      'bob',
      'aggregate',
      { pipeline: [{ [stage]: {} }] },
      { refused: `aggregation stage '${stage}' is only available to system users`, code: 'MongoDBError' },
    ],
  ),
  ...(['$expr', '$where', '$jsonSchema', '$text', '$near'] as const).map(
    (operator): Row => [
      5,
      operator,
      'titleOnly',
      'bob',
      'find',
      { filter: operator === '$near' ? { salary: { $near: [0, 0] } } : { [operator]: {} } },
      { refused: `query operator '${operator}' is only available to system users`, code: 'MongoDBError' },
    ],
  ),
]

const toRow = ([number, what, rules, as, action, fields, decides]: Row): DecisionRow => ({
  number,
  what,
  rules,
  as,
  action,
  fields,
  decides,
})

export const decisionRows: readonly DecisionRow[] = decisions.map(toRow)
export const questionRows: readonly DecisionRow[] = questions.map(toRow)
