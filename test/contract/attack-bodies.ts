import { gzipSync } from 'node:zlib'

/** What an action answers: an empty list, a refusal of the body, or one of the database. */
export type Answered =
  | 'nothing found'
  | { readonly body: string }
  | { readonly failed: string }
  | { readonly noRule: string }

const target = '"dataSource":"mongodb-atlas","database":"wire","collection":"attacked"'
const nested = (depth: number, open: string, close: string) => `${open.repeat(depth)}1${close.repeat(depth)}`

/** The body of a `find` with this filter, as text. */
export const findBy = (filter: string) => `{${target},"filter":${filter}}`
const by = (value: string) => findBy(`{"a":${value}}`)
const at = (database: string, collection: string) =>
  `{"dataSource":"mongodb-atlas","database":"${database}","collection":"${collection}","filter":{}}`

export const deeplyNested = findBy(nested(10_000, '{"a":', '}'))

const tooDeep = { body: 'nested deeper than 200 levels' }
const tooLarge = { body: 'number out of range' }
const wrapper = (name: string) => ({ body: `invalid value for ${name}` })
const count = (name: string) => ({ failed: `'${name}' must be a whole number from 0` })
const found = 'nothing found'

interface Attack {
  readonly what: string
  readonly sent: string | Buffer
  readonly answered: Answered
  readonly headers?: Readonly<Record<string, string>>
}

const attack = (what: string, sent: string | Buffer, answered: Answered, headers = {}): Attack => ({
  what,
  sent,
  answered,
  headers,
})

/** Bodies of `find` that no client of good will sends, and what is answered. */
export const attackBodies: readonly Attack[] = [
  attack('10,000 objects in each other', deeplyNested, tooDeep),
  attack('10,000 lists in each other', findBy(nested(10_000, '[', ']')), tooDeep),
  attack('95 objects in each other', findBy(nested(95, '{"a":', '}')), found),
  attack('1e400', by('1e400'), tooLarge),
  attack('-1e400', by('-1e400'), tooLarge),
  attack('a number of 1,000 digits', by('9'.repeat(1_000)), tooLarge),
  attack('$oid with a list', by('{"$oid":["64ff00000000000000000001"]}'), wrapper('$oid')),
  attack('$oid with null', by('{"$oid":null}'), wrapper('$oid')),
  attack('$oid beside another key', by('{"$oid":"64ff00000000000000000001","x":1}'), wrapper('$oid')),
  attack('$numberLong out of range', by('{"$numberLong":"9223372036854775808"}'), wrapper('$numberLong')),
  attack('$numberLong of letters', by('{"$numberLong":"abc"}'), wrapper('$numberLong')),
  attack('$numberInt out of range', by('{"$numberInt":"2147483648"}'), wrapper('$numberInt')),
  attack('$numberDouble of letters', by('{"$numberDouble":"x"}'), wrapper('$numberDouble')),
  attack('$numberDecimal of letters', by('{"$numberDecimal":"x"}'), wrapper('$numberDecimal')),
  attack('$date out of range', by('{"$date":{"$numberLong":"9223372036854775807"}}'), wrapper('$date')),
  attack('$date of words', by('{"$date":"yesterday"}'), wrapper('$date')),
  attack('$binary that is no base64', by('{"$binary":{"base64":"***","subType":"00"}}'), wrapper('$binary')),
  attack('$binary of no sub-type', by('{"$binary":{"base64":"AAAA","subType":"zz"}}'), wrapper('$binary')),
  attack('$uuid that is none', by('{"$uuid":"nope"}'), wrapper('$uuid')),
  attack(
    '$regularExpression with an unknown option',
    by('{"$regularExpression":{"pattern":"a","options":"zz"}}'),
    wrapper('$regularExpression'),
  ),
  attack(
    '$regularExpression with a NUL',
    by('{"$regularExpression":{"pattern":"a\\u0000","options":""}}'),
    wrapper('$regularExpression'),
  ),
  attack('$regularExpression with a number', by('{"$regularExpression":{"pattern":1}}'), wrapper('$regularExpression')),
  attack('$timestamp below zero', by('{"$timestamp":{"t":-1,"i":1}}'), wrapper('$timestamp')),
  attack('$timestamp out of range', by('{"$timestamp":{"t":4294967296,"i":1}}'), wrapper('$timestamp')),
  attack('$timestamp of text', by('{"$timestamp":"x"}'), wrapper('$timestamp')),
  attack('$minKey of two', by('{"$minKey":2}'), wrapper('$minKey')),
  attack('$code', by('{"$code":"while(1){}"}'), found),
  attack('a field named _bsontype', by('{"_bsontype":"ObjectId","id":"x"}'), found),
  attack('a field named toBSON', by('{"toBSON":1}'), found),
  attack('a key twice', `{${target},"filter":{"a":1},"filter":{"a":2}}`, { body: 'duplicate key "filter"' }),
  attack('the collection twice', `{${target},"collection":"other"}`, { body: 'duplicate key "collection"' }),
  attack('__proto__ in a filter', findBy('{"__proto__":{"admin":true}}'), found),
  attack('constructor in a filter', findBy('{"constructor":{"prototype":{"x":1}}}'), found),
  attack('__proto__ beside the fields', `{${target},"__proto__":{"filter":5,"limit":"x"}}`, found),
  attack('a collection named __proto__', at('wire', '__proto__'), found),
  attack('a data source named __proto__', '{"dataSource":"__proto__","database":"wire","collection":"a"}', {
    failed: "no data source named '__proto__'",
  }),
  attack('NUL in a name', findBy('{"a\\u0000b":1}'), { body: 'a key holds a NUL character' }),
  attack('NUL in a collection', at('wire', 'a\\u0000b'), { failed: "Invalid namespace specified 'wire.a\\u0000b'" }),
  attack('NUL in a database', at('wi\\u0000re', 'a'), { failed: "Invalid database name: 'wi\\u0000re'" }),
  attack('the collection of commands', at('wire', '$cmd'), { failed: "Invalid namespace specified 'wire.$cmd'" }),
  attack('a database with a dot', at('wi.re', 'a'), { failed: "Database names cannot contain the character '.'" }),
  attack('the views of the server', at('wire', 'system.views'), { noRule: 'wire.system.views' }),
  attack('the users of the edge', at('atlas_edge', 'users'), { noRule: 'atlas_edge.users' }),
  attack('the users of the server', at('admin', 'system.users'), { noRule: 'admin.system.users' }),
  attack('a name of 100,000 letters', findBy(`{"${'k'.repeat(100_000)}":1}`), found),
  attack('half a surrogate', by('"\\ud800"'), found),
  attack('a byte order mark', `\ufeff${findBy('{}')}`, found),
  attack(
    'UTF-16',
    Buffer.from(findBy('{}'), 'utf16le'),
    { body: 'unexpected character at position 1' },
    {
      'Content-Type': 'application/json; charset=utf-16',
    },
  ),
  attack('Latin-1', Buffer.from(by('"\u00e9"'), 'latin1'), found),
  attack('nothing', '', { body: 'unexpected end of JSON input' }),
  attack('spaces', '   ', { body: 'unexpected end of JSON input' }),
  attack('null', 'null', { body: 'expected an object' }),
  attack(
    'gzip',
    gzipSync(findBy('{}')),
    { body: 'unexpected character at position 0' },
    { 'Content-Encoding': 'gzip' },
  ),
  attack(
    'what claims to be gzip',
    'nope',
    { body: 'unexpected character at position 0' },
    { 'Content-Encoding': 'gzip' },
  ),
  attack(
    'gzip of 40 MB',
    gzipSync(Buffer.alloc(40_000_000, 32)),
    { body: 'unexpected character at position 0' },
    { 'Content-Encoding': 'gzip' },
  ),
  attack('the type of XML', findBy('{}'), found, { 'Content-Type': 'text/xml' }),
  attack('the type of forms', findBy('{}'), found, { 'Content-Type': 'multipart/form-data; boundary=x' }),
  attack('a type that is none', findBy('{}'), found, { 'Content-Type': ';;;=' }),
  attack('an Accept that is none', findBy('{}'), found, { Accept: 'application/ejson;q=abc, ;;' }),
  attack('a header of 10,000 bytes', findBy('{}'), found, { 'X-Big': 'a'.repeat(10_000) }),
  attack('a request id that is markup', findBy('{}'), found, { 'X-Request-Id': '<script>' }),
  attack('a limit below zero', `{${target},"limit":-1}`, count('limit')),
  attack('a limit of 1.5', `{${target},"limit":1.5}`, count('limit')),
  attack('a limit of 1e308', `{${target},"limit":1e308}`, count('limit')),
  attack('a limit that is an operator', `{${target},"limit":{"$gt":0}}`, count('limit')),
  attack('a skip that is text', `{${target},"skip":"1"}`, count('skip')),
  attack('a sort that is text', `{${target},"sort":"a"}`, { failed: "'sort' must be an object" }),
  attack('a projection that is a list', `{${target},"projection":["a"]}`, { failed: "'projection' must be an object" }),
]
