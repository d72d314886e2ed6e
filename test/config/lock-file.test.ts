import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

interface Entry {
  optionalDependencies?: Record<string, string>
  resolved?: string
}

const lock: { packages: Record<string, Entry> } = JSON.parse(
  readFileSync(path.resolve(import.meta.dirname, '../../package-lock.json'), 'utf8'),
)

it('names every platform package, without which npm ci refuses on every platform', () => {
  const missing = Object.entries(lock.packages).flatMap(([at, entry]) =>
    Object.keys(entry.optionalDependencies ?? {})
      .filter((name) => !Object.keys(lock.packages).some((known) => known.endsWith(`node_modules/${name}`)))
      .map((name) => `${at}: ${name}`),
  )
  expect(missing).toEqual([])
})

it('names no registry', () => {
  expect(Object.entries(lock.packages).filter(([, entry]) => entry.resolved?.startsWith('http'))).toEqual([])
})
