import type { RunningStack } from './stack.ts'

/** The last lines of `npm run dev`: every URL, the demo key, and a command that works when pasted. */
export function describeStack(stack: RunningStack): string {
  const lines = [
    '',
    `  edge        ${stack.edgeUrl}  (${stack.host})`,
    `  Data API    ${stack.dataApiUrl}`,
    `  endpoints   ${stack.endpointUrl}`,
    `  client API  ${stack.edgeUrl}/api/client/v2.0`,
    `  health      ${stack.edgeUrl}/health   ${stack.edgeUrl}/ready`,
    `  database    ${stack.databaseUrl}`,
  ]
  if (stack.dashboardUrl !== undefined) lines.push(`  dashboard   ${stack.dashboardUrl}`)
  if (stack.identity !== undefined)
    lines.push(`  identity    ${stack.identity.url}  (OIDC; users viewer, analyst, admin, any password)`)
  for (const note of stack.notes) lines.push(`  note        ${note}`)
  if (stack.demoKey !== undefined)
    lines.push(
      `  demo key    ${stack.demoKey}  (role admin; for development only)`,
      '',
      'Try it:',
      '',
      `curl -s '${stack.dataApiUrl}/action/findOne' -H 'Content-Type: application/json' -H 'api-key: ${stack.demoKey}' -d '{"dataSource":"Cluster0","database":"bi_dashboard","collection":"kpi_snapshots","sort":{"snapshot_date":-1}}'`,
    )
  else
    lines.push(
      '',
      'Make a key with:',
      '',
      `npm run --silent cli -- keys create --name first --role admin --uri '${stack.databaseUrl}'${stack.appOption}`,
    )
  // Another app has endpoints of its own.
  if (stack.identity !== undefined && stack.appOption === '')
    lines.push(
      '',
      'As a person (viewer, analyst or admin):',
      '',
      `curl -s '${stack.endpointUrl}/kpis/current' -H "Authorization: Bearer $(${stack.identity.command})"`,
    )
  lines.push('', 'Ctrl-C ends everything.')
  return lines.join('\n')
}
