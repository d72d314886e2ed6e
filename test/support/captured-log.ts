import type { LogEntry } from '../../runtime/log.ts'

const lines: string[] = []

/** A `Log` for hosts under test: what they would print is kept, and judged when the test file ends. */
export function captureLog(entry: LogEntry): void {
  lines.push(JSON.stringify(entry))
}

/** The same for a host that prints lines, as workerd does. */
export function captureLine(line: string): void {
  lines.push(line)
}

export function capturedLines(): readonly string[] {
  return lines
}
