import type { LogEntry } from '../runtime/log.ts'

/** One JSON line for Workers Logs. A connection string in a driver's text is cut out. */
export function logLine(entry: LogEntry): void {
  const line = JSON.stringify(entry).replaceAll(/mongodb(\+srv)?:\/\/[^\s"']*/g, 'mongodb://...')
  if (entry.status === 'error') console.error(line)
  else console.log(line)
}
