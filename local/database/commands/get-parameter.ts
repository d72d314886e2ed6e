import { type Doc, int, isDoc, type Value } from '../bson/value.ts'
import { DatabaseError } from '../errors.ts'
import type { Command } from './command.ts'

const PARAMETERS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['featureCompatibilityVersion', new Map([['version', '8.0']])],
  ['authenticationMechanisms', []],
  ['requireApiVersion', false],
  ['enableTestCommands', true],
  ['transactionLifetimeLimitSeconds', int(60)],
  ['localLogicalSessionTimeoutMinutes', int(30)],
  ['ttlMonitorEnabled', true],
  ['ttlMonitorSleepSecs', int(60)],
])

/** Reads server parameters. */
export const getParameter: Command = {
  name: 'getParameter',
  adminOnly: true,
  run({ body }) {
    const first = body.get('getParameter')
    const all = first === '*' || (isDoc(first) && first.get('allParameters') === true)
    const found: Doc = new Map()
    for (const [name, value] of PARAMETERS) if (all || body.has(name)) found.set(name, value)
    if (found.size === 0) throw new DatabaseError(72, 'no option found to get')
    return { fields: found }
  },
}
