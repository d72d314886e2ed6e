/**
 * One host of an app, its triggers running, in a process group of its own, to be killed:
 * `node host-process.ts <node|workerd> <artefact> <uri> <name>`. Its functions know the name as the value `runner`.
 * Prints its URL once its triggers have started.
 */
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { startNodeEdge } from '../../../edge/node.ts'
import { startWorkerEdge } from '../../../local/worker-host.ts'
import { createTriggerRunner } from '../../../runtime/triggers/index.ts'
import { parseEdgeSettings, triggerOptionsOf } from '../../../schemas/edge-settings.ts'

const [kind, artefact = '', uri = '', name = ''] = process.argv.slice(2)
const secrets = { runner: name, EDGE_SIGNING_KEY: 'soak-tests-soak-tests-soak-tests' }
const settings = { triggerLeaseSeconds: 1 }

async function onNode(): Promise<string> {
  const { built } = await import(pathToFileURL(artefact).href)
  const edge = await startNodeEdge({ built, uri, port: 0, secrets, settings, log: sayErrors })
  await createTriggerRunner(edge.runtime, triggerOptionsOf(parseEdgeSettings(settings))).start()
  return edge.url
}

async function onWorkerd(): Promise<string> {
  const edge = await startWorkerEdge({ bundle: artefact, uri, port: 0, secrets, settings, onLog: sayErrorLines })
  await edge.runScheduled()
  // As the platform does.
  setInterval(() => edge.runScheduled().catch((error) => process.stderr.write(`cron: ${error}\n`)), 60_000)
  return edge.url
}

function sayErrors(entry: { status: string }): void {
  if (entry.status === 'error') process.stderr.write(`${name}: ${JSON.stringify(entry)}\n`)
}

function sayErrorLines(line: string): void {
  if (!line.includes('"status":"ok"')) process.stderr.write(`${name}: ${line}\n`)
}

process.stdout.write(`${await (kind === 'workerd' ? onWorkerd() : onNode())}\n`)
