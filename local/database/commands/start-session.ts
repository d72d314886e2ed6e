import { Binary, type Value } from '../bson/value.ts'
import type { Command } from './command.ts'

/** Makes a session as a driver would. */
export const startSession: Command = {
  name: 'startSession',
  fields: [],
  run({ server }) {
    const id = new Binary(Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex'), Binary.SUBTYPE_UUID)
    server.sessions.use(Buffer.from(id.buffer).toString('hex'))
    return {
      fields: new Map<string, Value>([
        ['id', new Map([['id', id]])],
        ['timeoutMinutes', 30],
      ]),
    }
  },
}
