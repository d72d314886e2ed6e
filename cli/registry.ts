import type { Command } from './command.ts'

/** Every command, loaded only when called: `--help` and a typo must not cost the start of the driver. */
export const commandLoaders: Readonly<Record<string, () => Promise<{ command: Command }>>> = {
  build: () => import('./commands/build.ts'),
  check: () => import('./commands/check.ts'),
  'db init': () => import('./commands/db-init.ts'),
  dev: () => import('./commands/dev.ts'),
  'events archive': () => import('./commands/events-archive.ts'),
  init: () => import('./commands/init.ts'),
  'keys create': () => import('./commands/keys-create.ts'),
  'keys delete': () => import('./commands/keys-delete.ts'),
  'keys disable': () => import('./commands/keys-disable.ts'),
  'keys enable': () => import('./commands/keys-enable.ts'),
  'keys list': () => import('./commands/keys-list.ts'),
  'keys rotate': () => import('./commands/keys-rotate.ts'),
  'kpi backfill': () => import('./commands/kpi-backfill.ts'),
  'kpi compute': () => import('./commands/kpi-compute.ts'),
  'kpi explain': () => import('./commands/kpi-explain.ts'),
  'kpi import': () => import('./commands/kpi-import.ts'),
  'kpi verify': () => import('./commands/kpi-verify.ts'),
  'rules table': () => import('./commands/rules-table.ts'),
  serve: () => import('./commands/serve.ts'),
  'triggers list': () => import('./commands/triggers-list.ts'),
  'triggers resume': () => import('./commands/triggers-resume.ts'),
  'users create': () => import('./commands/users-create.ts'),
  'users import': () => import('./commands/users-import.ts'),
  'users reconcile': () => import('./commands/users-reconcile.ts'),
}
