type Manifest = Readonly<Record<string, unknown>>

/** One function, called by a client who is logged in anonymously. */
export interface FunctionRow {
  readonly what: string
  readonly name: string
  readonly source: string
  /** Private functions beside it, by name. */
  readonly helpers?: Readonly<Record<string, string>>
  /** Its entry of the manifest; every function of the table runs as the system unless it says otherwise. */
  readonly config?: Manifest
  /** `{{echo}}` stands for the address of a server that says what it was asked, `{{smtp}}` for the port of one of mail. */
  readonly args?: unknown[]
  /** The result as it is on the wire. */
  readonly answers?: unknown
  /** Code and text of the refusal instead. */
  readonly refused?: readonly [code: string, error: string]
}

const long = (value: number) => ({ $numberLong: String(value) })
const int = (value: number) => ({ $numberInt: String(value) })
const double = (value: number | string) => ({ $numberDouble: String(value) })

const failing = (what: string, name: string, source: string, code: string, error: string): FunctionRow => ({
  what,
  name,
  source,
  refused: [code, error],
})

/** Spec: function runtime 1. */
const forms: FunctionRow[] = (
  [
    ['Function', 'exports = function (n) { return n + 1 }'],
    ['Named', 'exports = function add(n) { return n + 1 }'],
    ['Arrow', 'exports = (n) => n + 1'],
    ['Async', 'exports = async function (n) { return n + 1 }'],
    ['Variable', 'const add = (n) => n + 1\nexports = add'],
    ['Helper', 'exports = (n) => plus(n)\nfunction plus(n) { return n + one }\nconst one = 1'],
    ['Both', 'const f = (n) => n + 1\nexports = f\nif (typeof module !== "undefined") module.exports = () => "node"'],
    ['Promise', 'exports = (n) => Promise.resolve(n).then((m) => m + 1)'],
    ['Implicit', 'exports = async (n) => { result = await Promise.resolve(n); result += 1; return result }'],
  ] as const
).map(([form, source]) => ({ what: `runs the form ${form}`, name: `form${form}`, source, args: [1], answers: int(2) }))

const modules: FunctionRow[] = [
  {
    what: 'evaluates the file anew for each call',
    name: 'fresh',
    source: 'let n = 0\nexports = () => [++n, typeof module, typeof context.calls]',
    answers: [int(1), 'undefined', 'undefined'],
  },
  {
    what: 'requires modules of Node, with and without prefix, and by sub-path',
    name: 'requires',
    source: `exports = () => [
      require('crypto').createHash('sha256').update('hello!').digest('base64'),
      require('node:util').format('%s', 1), typeof require('fs').readFileSync, require('path').join('a', 'b'),
      require('buffer').Buffer.from('hi').toString('hex'), require('querystring').stringify({ a: 1 }),
      new (require('url').URL)('http://a/b').pathname, typeof require('util/types').isDate,
      require('punycode').toASCII('mañana.com'), require('string_decoder').StringDecoder.name, typeof require('zlib').gzipSync,
      require('events').name, typeof require('assert').ok, typeof require('os').EOL, typeof require('tls').connect,
      typeof require('net').connect, typeof require('stream').Readable, typeof require('timers').setTimeout,
      typeof require('dns').lookup, typeof require('https').get, typeof require('http').get,
    ]`,
    answers: [
      'zgYJL7lI2f+sfRo3bkBLJrdXW8wR7gWkYV/vT+w6MIs=',
      '1',
      'function',
      'a/b',
      '6869',
      'a=1',
      '/b',
      'function',
      'xn--maana-pta.com',
      'StringDecoder',
      'function',
      'EventEmitter',
      'function',
      'string',
      ...Array(7).fill('function'),
    ],
  },
  {
    what: 'has the documented part of process and no environment',
    name: 'processPart',
    source: `exports = () => [typeof process.version, typeof process.versions, typeof process.hrtime, typeof process.nextTick,
      process.env === undefined || Object.keys(process.env).length === 0]`,
    answers: ['string', 'object', 'function', 'function', true],
  },
  failing(
    'refuses to require files',
    'requiresFile',
    `exports = () => require('./other')`,
    'FunctionExecutionError',
    `Cannot find module './other': functions cannot require files; use context.functions.execute`,
  ),
  failing(
    'refuses modules that functions never had',
    'requiresVm',
    `exports = () => require('child_process')`,
    'FunctionExecutionError',
    `Cannot find module 'child_process': the Node module "child_process" is not available to functions`,
  ),
  failing(
    'refuses a file that exports no function',
    'exportsObject',
    'exports = { a: 1 }',
    'FunctionInvalid',
    'function "exportsObject" does not assign a function to exports',
  ),
  failing(
    'refuses a file with a syntax error, by line',
    'syntaxError',
    'exports = () => {\n  return (\n}',
    'FunctionSyntaxError',
    `failed to parse source of function 'syntaxError': Unexpected token (line 3)`,
  ),
]

/** Spec: function runtime 2 and 3. */
const contexts: FunctionRow[] = [
  {
    what: 'keeps the calling user as context.user of a function that runs as the system',
    name: 'whoSystem',
    source: `exports = () => [context.user.type, /^[0-9a-f]{24}$/.test(context.user.id), context.runningAsSystem(),
      context.user.identities.map((i) => [i.provider_type, i.providerType]), context.user.data, context.user.custom_data]`,
    answers: ['normal', true, true, [['anon-user', 'anon-user']], {}, {}],
  },
  {
    what: 'runs as the caller where the manifest says nothing else',
    name: 'whoCaller',
    source: 'exports = () => context.runningAsSystem()',
    config: { run_as_system: false },
    answers: false,
  },
  {
    what: 'hands on what a callee returns: a value, or a promise of an async one',
    name: 'executes',
    helpers: { syncCallee: 'exports = (a, b) => a + b', asyncCallee: 'exports = async (date) => date instanceof Date' },
    source: `exports = async () => {
      const pending = context.functions.execute('asyncCallee', new Date())
      return [context.functions.execute('syncCallee', 1, 2), pending instanceof Promise, await pending]
    }`,
    answers: [int(3), true, true],
  },
  {
    what: 'calls functions in folders by their path',
    name: 'deep/er/path',
    source: 'exports = () => "deep"',
    answers: 'deep',
  },
  failing(
    'names a function that is not there',
    'executesNothing',
    `exports = () => context.functions.execute('nope')`,
    'FunctionNotFound',
    `function not found: 'nope'`,
  ),
  failing(
    'ends endless recursion by name',
    'recursion',
    `exports = () => context.functions.execute('recursion')`,
    'FunctionMaxStackDepthError',
    'functions call each other more than 64 levels deep',
  ),
  failing(
    'keeps private functions from clients',
    'hidden',
    'exports = () => 1',
    'NotCallable',
    'function "hidden" is private',
  ),
  {
    what: 'has values, secrets through values, environment, and undefined for what is unknown',
    name: 'settings',
    source: `exports = () => [context.values.get('plain'), context.values.get('token'), context.values.get('no') === undefined,
      context.environment.tag, Object.keys(context.environment.values), context.services.get('no') === undefined]`,
    answers: [{ a: [int(1)] }, 'hush', true, 'testing', ['DB'], true],
  },
  {
    what: 'has app and request',
    name: 'appAndRequest',
    source: `exports = () => [context.app.clientAppId, context.app.name, Object.keys(context.app).sort(),
      Object.keys(context.app.deployment).sort(), new Date(context.app.lastDeployed).toISOString() === context.app.lastDeployed,
      typeof context.request.remoteIPAddress, context.request.requestHeaders['content-type'],
      context.request.requestHeaders['Content-Type'], context.request.rawQueryString, 'body' in context.request]`,
    answers: [
      'functions-abcde',
      'functions',
      ['clientAppId', 'deployment', 'id', 'lastDeployed', 'name', 'projectId'],
      ['model', 'providerRegion'],
      true,
      'string',
      ['application/json'],
      ['application/json'],
      '',
      false,
    ],
  },
]

/** Spec: function runtime 4. */
const globals: FunctionRow[] = [
  {
    what: 'writes canonical EJSON, integral numbers as int64',
    name: 'ejson',
    source: `exports = () => [EJSON.stringify({ n: 42, d: 1.5, at: new Date(5) }), EJSON.parse('{"a":{"$numberLong":"7"}}').a]`,
    answers: ['{"n":{"$numberLong":"42"},"d":{"$numberDouble":"1.5"},"at":{"$date":{"$numberLong":"5"}}}', int(7)],
  },
  {
    what: 'has BSON constructors with and without new',
    name: 'bson',
    source: `exports = () => {
      const id = '5f0000000000000000000001'
      return [BSON.ObjectId(id), new BSON.ObjectId(id), BSON.ObjectId(id) instanceof BSON.ObjectId,
        BSON.Binary.fromHex('6869').text(), BSON.Binary.fromBase64('aGk=').toHex(), BSON.Int32(1), BSON.Long(1, 2),
        BSON.Double(2), BSON.Decimal128.fromString('1.10'), BSON.BSONRegExp('^a', 'i'), BSON.MaxKey, BSON.MinKey]
    }`,
    answers: [
      { $oid: '5f0000000000000000000001' },
      { $oid: '5f0000000000000000000001' },
      true,
      'hi',
      '6869',
      int(1),
      long(8589934593),
      double('2.0'),
      { $numberDecimal: '1.10' },
      { $regularExpression: { pattern: '^a', options: 'i' } },
      { $maxKey: 1 },
      { $minKey: 1 },
    ],
  },
  {
    what: 'has utils.crypto, as the test vectors of the documentation say',
    name: 'cryptoUtils',
    source: `exports = () => [
      utils.crypto.decrypt('aes', BSON.Binary.fromBase64('WPBuIvJ6Bity43Uh822dW8QlVYVJaFUiDeUjlTiJXzptUuTYIKPlXekBQAJb'),
        '603082712271C525E087BD999A4E0738').text(),
      utils.crypto.decrypt('aes', utils.crypto.encrypt('aes', 'hé', 'k'.repeat(16)), 'k'.repeat(16)).text(),
      utils.crypto.hmac('hello!', 'super-secret', 'sha256', 'base64'),
      utils.crypto.hash('sha256', 'hello!').toBase64(), utils.crypto.hash('md5', BSON.Binary.fromText('hello!')).toHex(),
      utils.crypto.hash('sha1', 'hello!') instanceof BSON.Binary,
    ]`,
    answers: [
      'MongoDB is great!',
      'hé',
      'SUXd6PRMaTXXgBGaGsIHzaDWgTSa6C3D44lRGrvRak0=',
      'zgYJL7lI2f+sfRo3bkBLJrdXW8wR7gWkYV/vT+w6MIs=',
      '5a8dd3ad0756a93ded72b823b19dd877',
      true,
    ],
  },
  {
    what: 'has utils.jwt, which verifies',
    name: 'jwtUtils',
    source: `exports = () => {
      const token = utils.jwt.encode('HS256', { sub: 'u', n: 1 }, 'secret', { kid: 'k' })
      let refused
      try { utils.jwt.decode(token, 'other') } catch (error) { refused = error.message }
      return [utils.jwt.decode(token, 'secret'), utils.jwt.decode(token, 'secret', true).header, refused]
    }`,
    answers: [{ sub: 'u', n: int(1) }, { alg: 'HS256', typ: 'JWT', kid: 'k' }, 'the signature of the token is invalid'],
  },
  {
    what: 'has timers, Buffer and URL',
    name: 'otherGlobals',
    source: `exports = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      return [typeof Buffer.from, typeof URL, typeof setInterval, typeof clearTimeout, typeof setImmediate, typeof TextEncoder]
    }`,
    answers: Array(6).fill('function'),
  },
]

const things = `const service = context.services.get('mongodb-atlas')
  const db = service.db(context.environment.values.DB)`

/** A function with an own collection `c` that holds `{_id: 1, n: 10}` to `{_id: 3, n: 30}`. */
function mongo(what: string, name: string, body: string, answers: unknown): FunctionRow {
  const source = `exports = async () => {
  ${things}
  const c = db.collection('${name}')
  await c.deleteMany({})
  await c.insertMany([{ _id: 1, n: 10 }, { _id: 2, n: 20 }, { _id: 3, n: 30 }])
  ${body}
}`
  return { what, name, source, answers }
}

const doc = (id: number) => ({ _id: int(id), n: int(id * 10) })

/** Spec: function runtime 5, real apps 2. */
const service: FunctionRow[] = [
  mongo(
    'finds with a positional projection, or options',
    'finds',
    `return [await c.find({}, { _id: 0, n: 1 }).sort({ n: -1 }).skip(1).limit(1).toArray(),
      await c.find({}, { projection: { n: 1, _id: 0 }, sort: { n: -1 }, limit: 1 }).toArray(),
      await c.findOne({ _id: 2 }, { n: 1 }), await c.findOne({ _id: 9 }), await c.findOne()]`,
    [[{ n: int(20) }], [{ n: int(30) }], doc(2), null, doc(1)],
  ),
  mongo('answers a cursor as its array', 'returnsCursor', 'return c.find({ n: { $gt: 10 } })', [doc(2), doc(3)]),
  mongo(
    'answers cursors inside of objects',
    'returnsCursors',
    'const r = await c.find({ _id: 1 }); return { list: r, more: { all: c.aggregate([{ $count: "n" }]) } }',
    { list: [doc(1)], more: { all: [{ n: int(3) }] } },
  ),
  mongo(
    'walks cursors, and says undefined at the end',
    'cursors',
    `const cursor = c.find({ _id: 1 })
    const walked = [await cursor.hasNext(), await cursor.next(), (await cursor.next()) === undefined, await cursor.hasNext()]
    const seen = []
    await c.find({}).forEach((d) => seen.push(d.n))
    for await (const d of c.find({}).map((e) => e._id)) seen.push(d)
    let late
    try { cursor.sort({ n: 1 }) } catch (error) { late = error.message }
    return [walked, seen, late]`,
    [[true, doc(1), true, false], [10, 20, 30, 1, 2, 3].map(int), 'the cursor has already been read from'],
  ),
  mongo(
    'updates, replaces and deletes with the shapes of the service',
    'writes',
    `return [await c.updateOne({ _id: 1 }, { $set: { n: 11 } }), await c.updateMany({}, { $inc: { n: 1 } }),
      await c.updateOne({ _id: 7 }, { $set: { n: 7 } }, { upsert: true }), await c.replaceOne({ _id: 7 }, { n: 8 }),
      await c.deleteOne({ _id: 7 }), await c.deleteMany({ _id: 9 }), await c.insertOne({ _id: 'x' }),
      await c.insertMany([{ _id: 'y' }, { _id: 'z' }], { ordered: false })]`,
    [
      { matchedCount: int(1), modifiedCount: int(1) },
      { matchedCount: int(3), modifiedCount: int(3) },
      { matchedCount: int(0), modifiedCount: int(0), upsertedId: int(7) },
      { matchedCount: int(1), modifiedCount: int(1) },
      { deletedCount: int(1) },
      { deletedCount: int(0) },
      { insertedId: 'x' },
      { insertedIds: ['y', 'z'] },
    ],
  ),
  mongo(
    'finds and changes: the document itself or null',
    'findAnds',
    `return [await c.findOneAndUpdate({ _id: 1 }, { $set: { n: 11 } }),
      await c.findOneAndUpdate({ _id: 1 }, { $set: { n: 12 } }, { returnNewDocument: true }),
      await c.findOneAndReplace({ _id: 2 }, { n: 0 }), await c.findOneAndDelete({ _id: 3 }),
      await c.findOneAndUpdate({ _id: 9 }, { $set: { n: 1 } })]`,
    [doc(1), { _id: int(1), n: int(12) }, doc(2), doc(3), null],
  ),
  mongo(
    'counts, distincts and aggregates',
    'reads',
    `return [await c.count(), await c.count({ n: { $gte: 20 } }), await c.distinct('n', { _id: { $ne: 1 } }),
      await c.aggregate([{ $group: { _id: null, sum: { $sum: '$n' } } }]).toArray(),
      await c.aggregate([{ $match: { _id: 9 } }]).next() === undefined]`,
    [int(3), int(2), [int(20), int(30)], [{ _id: null, sum: int(60) }], true],
  ),
  mongo(
    'writes in bulk and answers null',
    'bulk',
    `const result = await c.bulkWrite([{ insertOne: { document: { _id: 4 } } }, { deleteOne: { filter: { _id: 1 } } },
      { replaceOne: { filter: { _id: 2 }, replacement: { n: 0 } } }], { ordered: true })
    const builder = c.initializeOrderedBulkOp()
    builder.insert({ _id: 5 })
    builder.find({ _id: 3 }).updateOne({ $set: { n: 0 } })
    await builder.execute()
    return [result, await c.distinct('_id'), await c.count({ n: 0 })]`,
    [null, [2, 3, 4, 5].map(int), int(2)],
  ),
  mongo(
    'runs transactions: what passes the session is in them, the rest is not',
    'transactions',
    `const session = service.startSession()
    let failed
    try {
      await session.withTransaction(async () => {
        await c.updateOne({ _id: 1 }, { $set: { n: 0 } }, { session })
        await c.insertOne({ _id: 'outside' })
        const inside = await c.findOne({ _id: 1 }, {}, { session })
        throw new Error('n is ' + inside.n)
      })
    } catch (error) { failed = error.message }
    await session.withTransaction(async () => { await c.insertOne({ _id: 'inside' }, { session }) })
    await session.endSession()
    return [failed, await c.find().sort({ _id: 1 }).toArray()]`,
    ['n is 0', [doc(1), doc(2), doc(3), { _id: 'inside' }, { _id: 'outside' }]],
  ),
  mongo(
    'tells functions of the server number of an error',
    'serverCode',
    `return c.insertOne({ _id: 1 }).catch((error) => [error.code, error.name])`,
    [int(11000), 'MongoError'],
  ),
  mongo(
    'maps numbers, dates and BSON values there and back',
    'mapping',
    `await c.insertOne({ _id: 'm', int: 1, far: 2 ** 40, double: 1.5, at: new Date(7), id: BSON.ObjectId('5f0000000000000000000001'),
      big: BSON.Long.fromString('9007199254740993'), bytes: BSON.Binary.fromText('hi'), none: undefined, re: /a/i })
    const d = await c.findOne({ _id: 'm' })
    const types = await c.aggregate([{ $match: { _id: 'm' } }, { $project: { _id: 0, int: { $type: '$int' },
      far: { $type: '$far' }, double: { $type: '$double' }, none: { $type: '$none' }, re: { $type: '$re' } } }]).next()
    return [types, typeof d.int, typeof d.far, d.at instanceof Date, d.id instanceof BSON.ObjectId, d.big.toString(),
      d.bytes.text(), d.none]`,
    [
      { int: 'int', far: 'long', double: 'double', none: 'null', re: 'regex' },
      'number',
      'number',
      true,
      true,
      '9007199254740993',
      'hi',
      null,
    ],
  ),
  mongo(
    'lists databases and collections of the system',
    'lists',
    `return [(await service.admin().getDBNames()).includes(db.name), (await db.getCollectionNames()).includes('lists')]`,
    [true, true],
  ),
  ...(
    [
      ['drop', 'use deleteMany({}), or a MongoDB tool'],
      ['createIndex', 'create indexes with a MongoDB tool'],
    ] as const
  ).map(([method, hint]) =>
    failing(
      `refuses ${method}, which functions never had`,
      `refuses${method}`,
      `exports = () => context.services.get('mongodb-atlas').db('x').collection('y').${method}({})`,
      'ServiceCommandNotFound',
      `collection.${method}() is not available in functions: ${hint}`,
    ),
  ),
  failing(
    'refuses data sources of other types by name, when they are used',
    'lake',
    `exports = () => { const lake = context.services.get('lake'); return lake.db('x').collection('y').find() }`,
    'ServiceTypeNotFound',
    'the data source "lake" has the type "datalake", which is not served here',
  ),
]

/** Spec: function runtime 6, and third-party services, which ended. */
const http: FunctionRow[] = [
  {
    what: 'answers any status of context.http with the documented shape',
    name: 'httpShape',
    args: ['{{echo}}'],
    source: `exports = async (url) => {
      const ok = await context.http.get({ url: url + '/echo' })
      const missing = await context.http.get({ url: url + '/missing' })
      const moved = await context.http.get({ url: url + '/redirect' })
      const followed = await context.http.get({ url: url + '/redirect', followRedirects: true })
      return [Object.keys(ok).sort(), ok.status, ok.statusCode, ok.headers['Content-Type'], ok.headers['Set-Cookie'], ok.cookies,
        ok.contentLength === ok.body.value().length, ok.body instanceof BSON.Binary, missing.status, moved.statusCode, followed.statusCode]
    }`,
    answers: [
      ['body', 'contentLength', 'cookies', 'headers', 'status', 'statusCode'],
      '200 OK',
      int(200),
      ['application/json'],
      ['a=1; Path=/', 'b=2'],
      { a: '1', b: '2' },
      true,
      true,
      '404 Not Found',
      int(302),
      int(200),
    ],
  },
  {
    what: 'sends what the arguments of context.http say',
    name: 'httpArguments',
    args: ['{{echo}}'],
    source: `exports = async (url) => {
      const echo = (r) => JSON.parse(r.body.text())
      const { host } = require('url').parse(url)
      const all = [
        await context.http.get({ scheme: 'http', host, path: '/p', query: { a: ['1', '2'] }, username: 'u', password: 'p' }),
        await context.http.post({ url, body: { n: 1 }, encodeBodyAsJSON: true, headers: { 'X-A': ['1', '2'] }, cookies: { c: 'd' } }),
        await context.http.put({ url, body: 'text' }),
        await context.http.patch({ url, body: BSON.Binary.fromHex('ff') }),
        await context.http.delete({ url }),
      ]
      const head = await context.http.head({ url })
      const form = JSON.parse((await context.http.post({ url, form: { a: 'b' } })).body.text())
      return [all.map(echo), head.statusCode, head.body.text(), /form-data; name="a"/.test(form.body)]
    }`,
    answers: [
      [
        { method: 'GET', url: '/p?a=1&a=2', headers: { authorization: 'Basic dTpw' }, body: '' },
        {
          method: 'POST',
          url: '/',
          headers: { type: 'application/json', other: '1, 2', cookie: 'c=d' },
          body: '{"n":{"$numberLong":"1"}}',
        },
        { method: 'PUT', url: '/', headers: {}, body: 'text' },
        { method: 'PATCH', url: '/', headers: {}, body: 'ÿ' },
        { method: 'DELETE', url: '/', headers: {}, body: '' },
      ],
      int(200),
      '',
      true,
    ],
  },
  failing(
    'names a host that does not answer, and no address of the network',
    'httpFails',
    `exports = () => context.http.get({ url: 'http://localhost:1/' })`,
    'HTTPError',
    'context.http: the request to "localhost" failed',
  ),
  failing(
    'refuses metadata services',
    'httpMetadata',
    `exports = () => context.http.get({ url: 'http://metadata.google.internal/' })`,
    'RestrictedHost',
    'context.http: requests to "metadata.google.internal" are not allowed',
  ),
  {
    what: 'serves third-party services of type http as context.http',
    name: 'httpService',
    args: ['{{echo}}'],
    source: `exports = async (url) => {
      const web = context.services.get('web')
      const { statusCode, body } = await web.post({ url, body: { a: 'b' }, encodeBodyAsJSON: true })
      return [statusCode, JSON.parse(body.text()).body]
    }`,
    answers: [int(200), '{"a":"b"}'],
  },
  failing(
    'refuses actions of other third-party services by name and type',
    'twilioService',
    `exports = () => context.services.get('sms').send({ to: '+1', from: '+2', body: 'hi' })`,
    'ServiceTypeNotFound',
    'the service "sms" has the type "twilio", which is not served here',
  ),
  failing(
    'refuses actions of their parts',
    'awsService',
    `exports = async () => { const s3 = context.services.get('cloud').s3('us-east-1'); return await s3.PutObject({ Bucket: 'b' }) }`,
    'ServiceTypeNotFound',
    'the service "cloud" has the type "aws", which is not served here',
  ),
  {
    what: 'lets functions catch that refusal, and hold such a service',
    name: 'heldService',
    source: `exports = async () => {
      const sms = await context.services.get('sms')
      const cloud = context.services.get('cloud')
      console.log(sms, JSON.stringify({ sms }))
      const chained = await sms.send({}).then(() => 'sent').catch((error) => error.code)
      const parts = await cloud.s3('eu').PutObject({}).catch((error) => error.code)
      return [chained, parts, sms === context.services.get('sms')]
    }`,
    answers: ['ServiceTypeNotFound', 'ServiceTypeNotFound', true],
  },
]

/** What packages do with Node's modules beyond what every runtime that calls itself compatible has. */
const nodeHabits: FunctionRow[] = [
  {
    what: 'lets packages wait for the socket of a request before they send',
    name: 'nodeSocket',
    args: ['{{echo}}'],
    source: `exports = (url) => new Promise((resolve, reject) => {
      const request = require('http').request(url + '/p', { method: 'POST', agent: new (require('http').Agent)({ keepAlive: true }) })
      request.on('error', reject)
      request.once('response', (response) => {
        const seen = [request.destroyed, request.writableEnded, response.req === request, typeof response.socket]
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => { text += chunk })
        request.once('close', () => resolve([...seen, JSON.parse(text).body]))
      })
      request.once('socket', (socket) => {
        socket.setKeepAlive(true, 1000)
        const send = () => request.end('sent')
        if (socket.connecting) socket.once('connect', send)
        else send()
      })
    })`,
    answers: [false, true, true, 'object', 'sent'],
  },
  {
    what: 'takes headers of requests as lists',
    name: 'nodeHeaders',
    args: ['{{echo}}'],
    source: `exports = (url) => new Promise((resolve, reject) => {
      const headers = { 'X-A': ['1', '2'], 'Content-Type': ['text/plain'], Cookie: ['a=1', 'b=2'] }
      require('http').request(url, { method: 'PUT', headers }, (response) => {
        let text = ''
        response.on('data', (chunk) => { text += chunk }).on('end', () => resolve(JSON.parse(text).headers))
      }).on('error', reject).end('x')
    })`,
    answers: { other: '1, 2', type: 'text/plain', cookie: 'a=1; b=2' },
  },
  {
    what: 'talks over sockets that the other side closes in order',
    name: 'nodeNet',
    args: ['{{smtp}}'],
    source: `exports = (port) => new Promise((resolve, reject) => {
      const socket = require('net').connect(Number(port), '127.0.0.1')
      let text = ''
      socket.on('error', reject).on('close', () => resolve(text))
      socket.on('data', (chunk) => {
        text += chunk
        if (!text.includes('221')) socket.write(text.includes('250') ? 'QUIT\\r\\n' : 'EHLO x\\r\\n')
      })
    })`,
    answers: '220 hello\r\n250 ok\r\n221 bye\r\n',
  },
]

/** Spec: function runtime 8 to 10. */
const limitsAndErrors: FunctionRow[] = [
  { what: 'ends what runs for ever', name: 'neverEnds', source: 'exports = () => new Promise(() => {})' },
  failing(
    'refuses the 1001st asynchronous operation',
    'thousand',
    `exports = async () => {
      const c = context.services.get('mongodb-atlas').db('x').collection('y')
      for (let i = 0; i < 1000; i++) await c.drop().catch(() => {})
      await c.drop()
    }`,
    'FunctionExecutionError',
    'exceeded max async work queue size of 1000',
  ),
  failing(
    'answers the message of an Error, without its stack',
    'throwsError',
    `exports = async () => { console.log('before'); throw new Error('no such order') }`,
    'FunctionExecutionError',
    'no such order',
  ),
  failing(
    'answers a thrown string',
    'throwsText',
    `exports = () => { throw 'plain' }`,
    'FunctionExecutionError',
    'plain',
  ),
  failing(
    'answers a thrown object as JSON',
    'throwsObject',
    'exports = () => { throw { status: 7 } }',
    'FunctionExecutionError',
    '{"status":7}',
  ),
  failing(
    'answers an error of the engine',
    'throwsTypeError',
    'exports = () => undefined.x',
    'FunctionExecutionError',
    "Cannot read properties of undefined (reading 'x')",
  ),
  failing(
    'answers the error of a callee',
    'throwsInside',
    `exports = () => context.functions.execute('throwsText')`,
    'FunctionExecutionError',
    'plain',
  ),
  {
    what: 'survives a rejection that nobody handles',
    name: 'unhandled',
    source: `exports = () => { Promise.reject(new Error('lost')); return 'answered' }`,
    answers: 'answered',
  },
  {
    what: 'reads arguments from EJSON',
    name: 'argumentTypes',
    source: `exports = (...args) => args.map((a) => a instanceof Date ? 'Date' : a instanceof BSON.ObjectId ? 'ObjectId' :
      a instanceof BSON.Binary ? 'Binary' : a instanceof BSON.Long ? 'Long' : a === null ? 'null' : typeof a)`,
    args: [
      { $oid: '5f0000000000000000000001' },
      { $date: { $numberLong: '1' } },
      { $date: '2020-01-01T00:00:00Z' },
      { $numberInt: '1' },
      { $numberLong: '2' },
      { $numberLong: '9007199254740993' },
      { $numberDouble: '1.5' },
      { $binary: { base64: 'aGk=', subType: '00' } },
      1,
      'text',
      null,
      [1],
    ],
    answers: [
      'ObjectId',
      'Date',
      'Date',
      'number',
      'number',
      'Long',
      'number',
      'Binary',
      'number',
      'string',
      'null',
      'object',
    ],
  },
  {
    what: 'writes results as canonical EJSON',
    name: 'resultTypes',
    source: `exports = () => ({ pi: 3.14159, at: new Date(1652297239913), n: 42, far: 2 ** 40, text: 'x', yes: true, none: null,
      bytes: BSON.Binary.fromText('hi'), list: [1.5, undefined], nan: NaN })`,
    answers: {
      pi: double('3.14159'),
      at: { $date: { $numberLong: '1652297239913' } },
      n: int(42),
      far: long(2 ** 40),
      text: 'x',
      yes: true,
      none: null,
      bytes: { $binary: { base64: 'aGk=', subType: '00' } },
      list: [double('1.5'), { $undefined: true }],
      nan: double('NaN'),
    },
  },
  { what: 'answers nothing as undefined', name: 'resultNothing', source: 'exports = () => {}', answers: null },
]

export const rows: readonly FunctionRow[] = [
  ...forms,
  ...modules,
  ...contexts.map((row) => (row.name === 'hidden' ? { ...row, config: { private: true } } : row)),
  ...globals,
  ...service,
  ...http,
  ...nodeHabits,
  ...limitsAndErrors,
]
