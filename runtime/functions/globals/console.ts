import { EJSON } from 'bson'
import type { LogBuffer } from '../log-buffer.ts'

function format(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Error) return `${value.name}: ${value.message}`
  if (typeof value !== 'object' || value === null) return String(value)
  try {
    return EJSON.stringify(value, { relaxed: true })
  } catch {
    return Object.prototype.toString.call(value)
  }
}

/** `console` of one run: every method writes lines into that run's log entry, nothing to the host's console. */
export function createConsole(logs: LogBuffer): Record<string, (...values: unknown[]) => void> {
  const write = (...values: unknown[]) => logs.add(values.map(format).join(' '))
  const silent = () => {}
  return {
    log: write,
    info: write,
    warn: write,
    error: write,
    debug: write,
    trace: write,
    dir: (value) => write(value),
    table: (value) => write(value),
    assert: (condition, ...values) => {
      if (!condition) write('Assertion failed:', ...values)
    },
    group: write,
    groupCollapsed: write,
    groupEnd: silent,
    count: silent,
    countReset: silent,
    time: silent,
    timeLog: silent,
    timeEnd: silent,
    clear: silent,
  }
}
