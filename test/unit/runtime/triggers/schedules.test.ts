import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTriggerRunner } from '../../../../runtime/triggers/index.ts'
import type { Trigger } from '../../../../schemas/app/definition.ts'
import { startTestDatabase, type TestDatabase } from '../../../support/database.ts'
import { startApp, userCaller } from '../functions/app.ts'
import { scheduledTrigger, until } from './support.ts'

let server: TestDatabase
let client: MongoClient
let used = 0
const databases: string[] = []

beforeAll(async () => {
  server = await startTestDatabase()
  client = await MongoClient.connect(server.uri)
})

afterAll(async () => {
  for (const name of databases) await client.db(name).dropDatabase()
  await client.close()
  await server.close()
})

/** An app whose functions note their runs; two apps made with the same state share their positions. */
function startScheduled(triggers: Trigger[], clock: { now: Date }, stateDatabase = newState(), body = '') {
  const runs: unknown[] = []
  const names = [...new Set(triggers.map((trigger) => trigger.function_name ?? ''))]
  const { runtime, log } = startApp(client, {
    functions: Object.fromEntries(
      names.map((name) => [
        name,
        {
          source: `exports = async function () { ${body}; require('runs').push(['${name}', arguments.length]) }`,
          private: true,
        },
      ]),
    ),
    packages: { runs: () => runs },
    definition: { triggers },
    options: { now: () => clock.now, stateDatabase },
  })
  return { runs, runtime, log, runner: createTriggerRunner(runtime), stateDatabase }
}

function newState(): string {
  const name = `schedules_test_${process.pid}_${used++}`
  databases.push(name)
  return name
}

const at = (text: string) => ({ now: new Date(`2026-03-02T${text}Z`) })

describe('scheduled triggers', () => {
  it('run what is due in a minute, without an argument, and disabled ones never', async () => {
    const triggers = [
      scheduledTrigger('hourly', '0 * * * *'),
      scheduledTrigger('daily', '0 7 * * *'),
      scheduledTrigger('never', '* * * * *', { disabled: true }),
    ]
    const { runner, runs } = startScheduled(triggers, at('00:00:00'))
    await runner.runSchedules(new Date('2026-03-02T06:00:30Z'))
    await runner.runSchedules(new Date('2026-03-02T06:01:00Z'))
    await runner.runSchedules(new Date('2026-03-02T07:00:00Z'))
    expect(runs.toSorted()).toEqual([
      ['daily', 0],
      ['hourly', 0],
      ['hourly', 0],
    ])
  })

  it('run once a minute however often and on however many hosts they are asked', async () => {
    const one = startScheduled([scheduledTrigger('tick', '* * * * *')], at('00:00:00'))
    const two = startScheduled([scheduledTrigger('tick', '* * * * *')], at('00:00:00'), one.stateDatabase)
    const minute = new Date('2026-03-02T06:00:00Z')
    await Promise.all([one, two, one, two].map(({ runner }) => runner.runSchedules(minute)))
    expect([...one.runs, ...two.runs]).toEqual([['tick', 0]])
  })

  const catchUps: [string, { skip_catchup_events?: boolean }, string, unknown[]][] = [
    ['run once for all runs that were missed', {}, '09:30:00', [['hourly', 0]]],
    ['run nothing when nothing was missed', {}, '06:30:00', []],
    ['run nothing when told to skip', { skip_catchup_events: true }, '09:30:00', []],
  ]
  it.each(catchUps)('%s', async (_, options, restartedAt, expected) => {
    const trigger = scheduledTrigger('hourly', '0 * * * *', options)
    const first = startScheduled([trigger], at('05:59:00'))
    await first.runner.start()
    await until(async () => (await client.db(first.stateDatabase).collection('triggers').countDocuments()) === 1)
    await first.runner.runSchedules(new Date('2026-03-02T06:00:00Z'))
    await first.runner.stop()
    expect(first.runs).toEqual([['hourly', 0]])

    const second = startScheduled([trigger], at(restartedAt), first.stateDatabase)
    await second.runner.start()
    await second.runner.stop()
    expect(second.runs).toEqual(expected)
  })

  it('that wait for the database when their runner stops are made by the next one', async () => {
    const fail = (mode: string) =>
      client.db('admin').command({
        configureFailPoint: 'failCommand',
        mode,
        ...(mode !== 'off' && { data: { failCommands: ['delete'], closeConnection: true } }),
      })
    const database = newState()
    const body = `await context.services.get('mongodb-atlas').db('${database}').collection('any').deleteOne({})`
    const triggers = [scheduledTrigger('hourly', '0 * * * *')]
    const first = startScheduled(triggers, at('05:59:00'), undefined, body)
    await first.runner.start()
    await until(async () => (await client.db(first.stateDatabase).collection('triggers').countDocuments()) === 1)
    await fail('alwaysOn')
    const running = first.runner.runSchedules(new Date('2026-03-02T06:00:00Z'))
    await until(() => first.log.some(({ status }) => status === 'error'))
    await fail('off')
    await first.runner.stop()
    await running
    expect(first.runs).toEqual([])

    const second = startScheduled(triggers, at('06:01:30'), first.stateDatabase, body)
    await second.runner.start()
    await second.runner.stop()
    expect(second.runs).toEqual([['hourly', 0]])
  })

  it('say what cannot run, and let the rest run', async () => {
    const broken = { ...scheduledTrigger('bad', 'L * * * *'), function_name: 'tick' }
    const missing = { ...scheduledTrigger('missing', '* * * * *'), function_name: 'nowhere' }
    const bridge = { name: 'bridge', type: 'SCHEDULED' as const, disabled: false, config: broken.config }
    const app = startScheduled([broken, bridge, scheduledTrigger('tick', '* * * * *')], at('00:00:00'))
    expect(app.runner.status()).toEqual({
      active: false,
      triggers: [
        { name: 'bad', type: 'SCHEDULED', state: 'invalid', reason: '"L" is no minute: use 0 to 59' },
        {
          name: 'bridge',
          type: 'SCHEDULED',
          state: 'invalid',
          reason: 'it sends to EventBridge, which is not served here',
        },
        { name: 'tick', type: 'SCHEDULED', state: 'standby' },
      ],
      reasons: [
        'triggers bad: "L" is no minute: use 0 to 59',
        'triggers bridge: it sends to EventBridge, which is not served here',
      ],
    })
    await app.runner.runSchedules(new Date('2026-03-02T06:00:00Z'))
    expect(app.runs).toEqual([['tick', 0]])
    const { runtime } = startApp(client, { functions: {}, definition: { triggers: [missing] } })
    expect(createTriggerRunner(runtime).status().reasons).toEqual([
      'triggers missing: its function "nowhere" does not exist',
    ])
  })

  it('are run by one of two runners alive, and by the other after it stopped', async () => {
    const one = startScheduled([scheduledTrigger('tick', '* * * * *')], at('00:00:00'))
    const two = startScheduled([scheduledTrigger('tick', '* * * * *')], at('00:00:00'), one.stateDatabase)
    const second = createTriggerRunner(two.runtime, { leaseMs: 200 })
    await one.runner.start()
    await second.start()
    expect([one.runner.status().active, second.status().active]).toEqual([true, false])
    await one.runner.stop()
    await until(() => second.status().active)
    expect(one.runner.status().active).toBe(false)
    await second.stop()
  })
})

describe('authentication triggers', () => {
  it('get the event as documented, for the operation and providers they name', async () => {
    const seen: unknown[] = []
    const { runtime } = startApp(client, {
      functions: {
        onLogin: 'exports = (event) => { require("seen").push([event, context.user.type, context.runningAsSystem()]) }',
      },
      packages: { seen: () => seen },
      definition: {
        triggers: [
          {
            name: 'onLogin',
            type: 'AUTHENTICATION',
            disabled: false,
            function_name: 'onLogin',
            config: { operation_types: ['LOGIN'], providers: ['local-userpass', 'api-key'] },
          },
        ],
      },
    })
    const { user } = userCaller({ data: { email: 'a@x.io' } })
    const time = new Date('2026-03-02T00:00:00Z')
    const event = { operationType: 'LOGIN' as const, providers: ['local-userpass'], user, time }
    await runtime.triggers.authentication(event)
    await runtime.triggers.authentication({ ...event, operationType: 'CREATE' })
    await runtime.triggers.authentication({ ...event, providers: ['anon-user'] })
    expect(seen).toEqual([
      [
        {
          operationType: 'LOGIN',
          providers: ['local-userpass'],
          user: { id: user.id, type: 'normal', data: { email: 'a@x.io' }, custom_data: {}, identities: [] },
          time,
        },
        'system',
        true,
      ],
    ])
  })
})
