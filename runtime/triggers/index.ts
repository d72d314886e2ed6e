export type { AuthenticationEvent } from './authentication.ts'
export { matchesSchedule, parseSchedule } from './cron.ts'
export { createTriggerRunner, type TriggerRunner, type TriggerRunnerOptions } from './runner.ts'
export type { TriggerRunnerStatus, TriggerState, TriggerStatus } from './status.ts'
