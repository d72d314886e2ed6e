import type { DemoScaleName } from '../demo/scale.ts'

export type HostKind = 'workerd' | 'node'

/** The options of `npm run dev`, checked. */
export interface DevOptions {
  /** Port of the edge; the dashboard takes the next one. */
  readonly port: number
  readonly databasePort: number
  /** A server to use instead of the embedded database. */
  readonly uri: string | undefined
  readonly appDir: string
  readonly secrets: Readonly<Record<string, string>>
  readonly seed: boolean
  readonly scale: DemoScaleName
  /** Keeps the embedded database's data. */
  readonly databasePath: string | undefined
  readonly host: HostKind
}
