import type { LogEntry } from '../../runtime/log.ts'

/** One JSON line on stderr; stdout belongs to commands. A connection string in a driver's text is cut out. */
export function logLine(entry: LogEntry): void {
  const line = JSON.stringify({ time: new Date().toISOString(), ...entry })
  process.stderr.write(`${line.replaceAll(/mongodb(\+srv)?:\/\/[^\s"']*/g, 'mongodb://...')}\n`)
}
