import type { DatabaseTrigger, ScheduledTrigger } from '../../../../schemas/app/definition.ts'

export function databaseTrigger(
  name: string,
  config: Partial<DatabaseTrigger['config']>,
  trigger: Partial<Omit<DatabaseTrigger, 'config' | 'type'>> = {},
): DatabaseTrigger {
  return {
    name,
    type: 'DATABASE',
    disabled: false,
    function_name: name,
    ...trigger,
    config: {
      service_name: 'mongodb-atlas',
      database: '',
      collection: '',
      operation_types: ['INSERT', 'UPDATE', 'REPLACE', 'DELETE'],
      full_document: false,
      full_document_before_change: false,
      match: {},
      project: {},
      unordered: false,
      tolerate_resume_errors: false,
      maximum_throughput: false,
      skip_catchup_events: false,
      ...config,
    },
  }
}

export function scheduledTrigger(
  name: string,
  schedule: string,
  options: { skip_catchup_events?: boolean; disabled?: boolean } = {},
): ScheduledTrigger {
  const { skip_catchup_events = false, disabled = false } = options
  return { name, type: 'SCHEDULED', disabled, function_name: name, config: { schedule, skip_catchup_events } }
}

/** Resolves when `condition` holds. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('the condition never held')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
