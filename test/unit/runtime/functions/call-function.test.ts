import { MongoClient } from 'mongodb'
import { afterAll, describe, expect, it } from 'vitest'
import type { LogEntry } from '../../../../runtime/log.ts'
import { startApp, systemCaller, type TestApp, userCaller } from './app.ts'

// Never connected: these functions use no database.
const client = new MongoClient('mongodb://127.0.0.1:1')
afterAll(() => client.close())

const call = (app: TestApp, name = 'f', args: unknown[] = [], caller = userCaller()) =>
  startApp(client, app).runtime.callFunction(name, args, caller, 'client')

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: { code: string; message: string }) => ({ code: error.code, message: error.message }),
  )

describe('what a function returns', () => {
  const cases: [string, string, unknown][] = [
    ['a value', 'exports = function (a, b) { return a + b }', 3],
    ['a promise', 'exports = async (a, b) => a * b', 2],
    ['through an own name', 'const add = (a, b) => a + b; exports = add', 3],
    ['nothing', 'exports = () => {}', undefined],
    [
      'with both module forms in the file',
      'const fn = (a) => a; exports = fn; if (typeof module !== "undefined") module.exports = () => "node"',
      1,
    ],
  ]
  it.each(cases)('hands on %s', async (_, source, expected) => {
    expect(await call({ functions: { f: source } }, 'f', [1, 2])).toEqual(expected)
  })
})

describe('what a function throws', () => {
  const cases: [string, string, string][] = [
    ['an Error', 'exports = () => { throw new Error("no such order") }', 'no such order'],
    ['a rejected promise', 'exports = async () => { throw new TypeError("bad type") }', 'bad type'],
    ['a string', 'exports = () => { throw "plain text" }', 'plain text'],
    ['an object', 'exports = () => { throw { status: 7 } }', '{"status":7}'],
    ['nothing', 'exports = () => { throw undefined }', 'undefined'],
    ['while it loads', 'throw new Error("at load"); exports = () => 1', 'at load'],
    [
      'for a missing package',
      'exports = () => require("left-pad")',
      `Cannot find module 'left-pad': add it to functions/package.json and build again`,
    ],
  ]
  it.each(cases)('answers %s with its text alone', async (_, source, message) => {
    expect(await failure(call({ functions: { f: source } }))).toEqual({ code: 'FunctionExecutionError', message })
  })

  it('refuses a file that exports no function', async () => {
    expect(await failure(call({ functions: { f: 'exports = { a: 1 }' } }))).toEqual({
      code: 'FunctionInvalid',
      message: 'function "f" does not assign a function to exports',
    })
  })

  it('answers an unknown name, a prototype name included, as not found', async () => {
    for (const name of ['nope', 'constructor', '__proto__'])
      expect(await failure(call({ functions: {} }, name))).toEqual({
        code: 'FunctionNotFound',
        message: `function not found: '${name}'`,
      })
  })

  it('answers a function that could not be built with its documented error', async () => {
    const broken = { f: { name: 'f', code: 'FunctionSyntaxError' as const, message: 'unexpected token, line 3' } }
    expect(await failure(call({ functions: {}, broken }))).toEqual({
      code: 'FunctionSyntaxError',
      message: 'unexpected token, line 3',
    })
  })
})

describe('who may call', () => {
  it('keeps private functions from clients and from no one else', async () => {
    const { runtime } = startApp(client, { functions: { f: { source: 'exports = () => 1', private: true } } })
    expect(await failure(runtime.callFunction('f', [], userCaller(), 'client'))).toEqual({
      code: 'NotCallable',
      message: 'function "f" is private',
    })
    for (const source of ['endpoint', 'rule', 'system', 'trigger'] as const)
      expect(await runtime.callFunction('f', [], userCaller(), source)).toBe(1)
  })

  it('asks can_evaluate about the calling user, elevated or not', async () => {
    const app: TestApp = {
      functions: {
        f: { source: 'exports = () => 1', can_evaluate: { '%%user.custom_data.role': 'admin' }, run_as_system: true },
      },
    }
    expect(await call(app, 'f', [], userCaller({ custom_data: { role: 'admin' } }))).toBe(1)
    expect(await failure(call(app, 'f', [], userCaller()))).toEqual({
      code: 'FunctionExecutionError',
      message: 'rule not matched for function "f"',
    })
  })
})

describe('who a function runs as', () => {
  const who = 'exports = () => [context.user.id, context.user.type, context.runningAsSystem()]'
  const bob = userCaller({ id: '64b0000000000000000000b2' })

  it('runs as the caller, or elevated with the caller still its user', async () => {
    const functions = { plain: { source: who, run_as_system: false }, elevated: { source: who, run_as_system: true } }
    expect(await call({ functions }, 'plain', [], bob)).toEqual([bob.user.id, 'normal', false])
    expect(await call({ functions }, 'elevated', [], bob)).toEqual([bob.user.id, 'normal', true])
  })

  it('runs triggers as the system whatever the manifest says, with an empty request', async () => {
    const { runtime } = startApp(client, {
      functions: {
        f: {
          source: 'exports = () => [context.user, context.runningAsSystem(), context.request]',
          run_as_system: false,
          run_as_user_id: bob.user.id,
        },
      },
    })
    expect(await runtime.callFunction('f', [], systemCaller, 'trigger')).toEqual([
      { type: 'system', data: {}, custom_data: {}, identities: [] },
      true,
      {},
    ])
  })

  it('hands its identity to functions it calls, and elevates those that ask for it', async () => {
    const functions = {
      f: {
        source: 'exports = () => [context.functions.execute("inner"), context.functions.execute("elevated")]',
        run_as_system: false,
      },
      inner: { source: who, run_as_system: false, private: true },
      elevated: { source: who, run_as_system: true },
    }
    expect(await call({ functions }, 'f', [], bob)).toEqual([
      [bob.user.id, 'normal', false],
      [bob.user.id, 'normal', true],
    ])
  })

  it('asks the run-as script', async () => {
    const functions = {
      f: { source: who, run_as_system: false, run_as_user_id_script: 'script' },
      script: { source: 'exports = () => ({ runAsSystem: true })', listed: false },
    }
    expect(await call({ functions }, 'f', [], bob)).toEqual([bob.user.id, 'normal', true])
  })
})

describe('functions calling functions', () => {
  it('returns exactly what the callee returns: a value for a synchronous one, a promise for an async one', async () => {
    const functions = {
      f: `exports = async () => {
        const value = context.functions.execute('sync', 20)
        const promise = context.functions.execute('async', 1)
        return { value, isPromise: promise instanceof Promise, awaited: await promise }
      }`,
      sync: 'exports = (n) => n + 1',
      async: 'exports = async (n) => n + 1',
    }
    expect(await call({ functions })).toEqual({ value: 21, isPromise: true, awaited: 2 })
  })

  it('passes the error of a callee to the caller, who may catch it', async () => {
    const functions = {
      f: 'exports = () => { try { context.functions.execute("g") } catch (error) { return error.message } }',
      g: 'exports = () => { throw new Error("inner") }',
    }
    expect(await call({ functions })).toBe('inner')
  })

  it('ends endless recursion', async () => {
    const functions = { f: 'exports = () => context.functions.execute("f")' }
    expect(await failure(call({ functions }))).toEqual({
      code: 'FunctionMaxStackDepthError',
      message: 'functions call each other more than 64 levels deep',
    })
  })
})

describe('limits', () => {
  it('ends a run that takes too long, and what it does later', async () => {
    const app: TestApp = {
      functions: { f: 'exports = () => new Promise(() => {})' },
      options: { functionTimeoutMs: 20 },
    }
    expect(await failure(call(app))).toEqual({
      code: 'ExecutionTimeLimitExceeded',
      message: 'execution time limit exceeded',
    })
  })

  it('refuses the 1001st asynchronous operation', async () => {
    const app: TestApp = {
      functions: {
        f: `exports = async () => {
          let n = 0
          try { for (;;) { await context.http.get({ url: 'https://example.com/' }); n += 1 } }
          catch (error) { if (n < 1000) throw error }
          await context.http.get({ url: 'https://example.com/' })
        }`,
      },
      options: { fetch: () => Promise.resolve(new Response('')) },
    }
    expect(await failure(call(app))).toEqual({
      code: 'FunctionExecutionError',
      message: 'exceeded max async work queue size of 1000',
    })
  })

  it.each([
    ['an operation', 'context.http.get({ url: "https://example.com/" })'],
    ['a function that calls one', 'context.functions.execute("get")'],
  ])('ends a run that catches the refusal of %s and tries again without end', async (_, operation) => {
    const app: TestApp = {
      functions: {
        f: `exports = async () => { for (;;) try { await ${operation} } catch {} }`,
        get: 'exports = () => context.http.get({ url: "https://example.com/" })',
      },
    }
    const unanswered = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
    const refused = { code: 'FunctionExecutionError', message: 'exceeded max async work queue size of 1000' }
    const late = { code: 'ExecutionTimeLimitExceeded', message: 'execution time limit exceeded' }
    const answers = () => Promise.resolve(new Response(''))
    expect(await failure(call({ ...app, options: { fetch: answers } }))).toEqual(refused)
    const hangs = (_: unknown, init?: RequestInit) => (init?.signal ? unanswered(init.signal) : answers())
    expect(await failure(call({ ...app, options: { fetch: hangs, functionTimeoutMs: 20 } }))).toEqual(late)
  })
})

describe('a loop without end', () => {
  // As the build writes it: see the tests of function scripts.
  const loop = (body: string) =>
    `exports = async () => { let first; for (;;) { __edgeShared[Symbol.for('atlas-edge.loop-turn')](); ${body} } }`

  it.each([
    [
      'catches every refusal, of operations that failed before too',
      'try { const next = context.http.get({ url: "https://example.com/" }); await Promise.all([(first ??= next), next]) } catch {}',
      { code: 'FunctionExecutionError', message: 'exceeded max async work queue size of 1000' },
    ],
    ['never waits', '', { code: 'ExecutionTimeLimitExceeded', message: 'execution time limit exceeded' }],
    [
      'waits for nothing that takes time',
      'await null',
      { code: 'ExecutionTimeLimitExceeded', message: 'execution time limit exceeded' },
    ],
  ])('that %s is ended', async (_, body, expected) => {
    const options = { functionTimeoutMs: body === '' || body === 'await null' ? 200 : 60_000 }
    expect(await failure(call({ functions: { f: loop(body) }, options }))).toEqual(expected)
  })
})

describe('the log entry of a run', () => {
  const talk = `exports = (n) => { for (let i = 0; i < n; i++) console.log('line', i); }`
  const entryOf = async (source: 'client' | 'trigger', n: number): Promise<LogEntry | undefined> => {
    const { runtime, log } = startApp(client, { functions: { f: talk } })
    await runtime.callFunction('f', [n], userCaller(), source)
    expect(log).toHaveLength(1)
    return log[0]
  }
  const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `line ${from + i}`)

  it('keeps the last 25 lines of a call and the first 25 of a trigger run', async () => {
    expect((await entryOf('client', 30))?.logs).toEqual(lines(5, 30))
    expect((await entryOf('trigger', 30))?.logs).toEqual(lines(0, 25))
  })

  it('carries name, user, request id, arguments and duration', async () => {
    expect(await entryOf('client', 1)).toEqual({
      type: 'function',
      status: 'ok',
      name: 'f',
      requestId: 'r1',
      userId: '64b000000000000000000001',
      logs: ['line 0'],
      durationMs: 0,
      detail: { arguments: '[1]' },
    })
  })

  it('cuts a line at 512 bytes without cutting a character', async () => {
    const { runtime, log } = startApp(client, { functions: { f: 'exports = () => console.warn("€".repeat(400))' } })
    await runtime.callFunction('f', [], userCaller(), 'client')
    expect(log[0]?.logs).toEqual(['€'.repeat(170)])
  })

  it('leaves arguments out when the manifest says so', async () => {
    const { runtime, log } = startApp(client, {
      functions: { f: { source: 'exports = () => 1', disable_arg_logs: true } },
    })
    await runtime.callFunction('f', ['s3cret'], userCaller(), 'client')
    expect(JSON.stringify(log)).not.toContain('s3cret')
  })

  it('has text and stack of an error, while the caller gets the text alone', async () => {
    const { runtime, log } = startApp(client, { functions: { f: 'exports = () => { throw new Error("boom") }' } })
    const error = await runtime.callFunction('f', [], userCaller(), 'client').catch((thrown: unknown) => thrown)
    expect(log[0]).toMatchObject({ status: 'error', error: 'boom' })
    expect(log[0]?.stack).toContain('Error: boom')
    expect(error).toMatchObject({ message: 'boom', code: 'FunctionExecutionError' })
  })
})

describe('concurrent calls', () => {
  it('never see the context of another', async () => {
    const { runtime } = startApp(client, {
      functions: {
        f: `const seen = []
          exports = async (pause) => {
            seen.push(context.user.id)
            const before = context.user.id
            await new Promise((resolve) => setTimeout(resolve, pause))
            const nested = await context.functions.execute('g')
            context.user.custom_data.touched = before
            return [before, context.user.id, nested, seen.length]
          }`,
        g: 'exports = async () => context.user.id',
      },
    })
    const results = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => {
        const id = i.toString(16).padStart(24, '0')
        return runtime.callFunction('f', [i % 7], userCaller({ id }, `r${i}`), 'client')
      }),
    )
    expect(results).toEqual(
      results.map((_, i) => {
        const id = i.toString(16).padStart(24, '0')
        return [id, id, id, 1]
      }),
    )
  })
})

describe('context', () => {
  it('has the documented members', async () => {
    const app: TestApp = {
      functions: {
        f: `exports = () => ({
          app: context.app, environment: context.environment, request: context.request,
          header: context.request.requestHeaders['x-custom'],
          values: [context.values.get('plain'), context.values.get('secret'), context.values.get('unknown')],
          unknownService: context.services.get('nope'),
          provider: context.user.identities.map((identity) => [identity.provider_type, identity.providerType]),
        })`,
      },
      definition: {
        environment: 'production',
        environmentValues: { DB: 'main' },
        values: [
          { name: 'plain', from_secret: false, value: { a: [1] } },
          { name: 'secret', from_secret: true, value: 'key' },
        ],
      },
      options: { secrets: { key: 'hush' } },
    }
    const caller = {
      ...userCaller({ identities: [{ id: 'x', provider_type: 'api-key' }] }),
      request: { remoteIPAddress: '192.0.2.1', requestHeaders: { 'X-Custom': ['v'] } },
    }
    expect(await call(app, 'f', [], caller)).toEqual({
      app: {
        id: '5f0000000000000000000001',
        clientAppId: 'shop-abcde',
        name: 'shop',
        projectId: '5f0000000000000000000002',
        deployment: { model: 'LOCAL', providerRegion: 'aws-us-east-1' },
        lastDeployed: '2026-01-02T03:04:05.000Z',
      },
      environment: { tag: 'production', values: { DB: 'main' } },
      request: { remoteIPAddress: '192.0.2.1', requestHeaders: { 'X-Custom': ['v'] } },
      header: ['v'],
      values: [{ a: [1] }, 'hush', undefined],
      unknownService: undefined,
      provider: [['api-key', 'api-key']],
    })
  })

  it('hands out copies: what a function changes is gone with it', async () => {
    const app: TestApp = {
      functions: {
        f: `exports = () => {
          const value = context.values.get('list'); value.push(1)
          context.environment.values.DB = 'other'
          BSON.ObjectId = null
          return [context.values.get('list'), context.environment.values.DB]
        }`,
        g: `exports = () => [context.values.get('list'), context.environment.values.DB, typeof BSON.ObjectId]`,
      },
      definition: { environmentValues: { DB: 'main' }, values: [{ name: 'list', from_secret: false, value: [] }] },
    }
    const { runtime } = startApp(client, app)
    expect(await runtime.callFunction('f', [], userCaller(), 'client')).toEqual([[], 'other'])
    expect(await runtime.callFunction('g', [], userCaller(), 'client')).toEqual([[], 'main', 'function'])
  })
})
