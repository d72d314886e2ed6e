import type { AnyNode } from 'acorn'
import type { AppDefinition } from '../../schemas/app/definition.ts'
import type { Findings } from '../app-folder/finding.ts'
import type { CompiledFunction } from '../build/app-module.ts'
import { scriptText } from '../build/function-script.ts'
import { lineAt, parseScript } from '../build/parsed-script.ts'
import { walk } from '../build/walk.ts'
import { replacementOf } from './check-third-party-services.ts'

/** What a function's text tells before it is called. */
export function checkFunctions(app: AppDefinition, functions: readonly CompiledFunction[], findings: Findings): void {
  const names = {
    services: new Set(app.dataSources.map((source) => source.name)),
    thirdParty: new Map(Object.entries(app.thirdPartyServices ?? {})),
    functions: new Set(app.functions.map((config) => config.name)),
    values: new Set(app.values.map((value) => value.name)),
  }
  for (const { source, script } of functions) {
    if (script === undefined || source.generated) continue
    const place = { file: source.file, subject: source.name }
    const own = script.undeclared.filter((name) => !name.startsWith('__edge'))
    if (own.length > 0)
      findings.add('info', 'implicit-globals', {
        ...place,
        message: `assigns ${own.join(', ')} without declaring ${own.length === 1 ? 'it' : 'them'}; variables of one call here`,
        mend: `declare ${own.length === 1 ? 'it' : 'them'} with let`,
      })
    if (script.exportsForm === 'none')
      findings.add('error', 'exports-missing', {
        ...place,
        message: 'assigns nothing to exports; calling it answers FunctionInvalid',
        mend: 'write exports = function (...) { ... }, or move the file out of functions/',
      })
    if (script.uses.has('eval'))
      findings.add('warning', 'eval', {
        ...place,
        message: 'calls eval, which Workers forbid',
        mend: 'rewrite it, or use the Node entry (--host node)',
      })
    for (const use of script.requires) {
      if (use.topLevel)
        findings.add('warning', 'require-top-level', {
          ...place,
          line: use.line,
          message: `require(${use.specifier === undefined ? '...' : `"${use.specifier}"`}) at the top level, which App Services does not support`,
          mend: 'move it into the function',
        })
      if (use.specifier === undefined)
        findings.add('warning', 'require-computed', {
          ...place,
          line: use.line,
          message: 'requires a module whose name is computed: only modules that are also named somewhere are found',
          mend: 'write the name as a string',
        })
    }
    checkNames(source.text, place, names, findings)
  }
}

interface KnownNames {
  readonly services: ReadonlySet<string>
  /** Type by name. */
  readonly thirdParty: ReadonlyMap<string, string>
  readonly functions: ReadonlySet<string>
  readonly values: ReadonlySet<string>
}

/** Names given as literals to `context.services.get`, `context.functions.execute` and `context.values.get`. */
function checkNames(
  text: string,
  place: { file: string; subject: string },
  known: KnownNames,
  findings: Findings,
): void {
  walk(parseScript(scriptText(text)).program, (visited) => {
    const node = visited as AnyNode
    if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return
    const [argument] = node.arguments
    if (argument?.type !== 'Literal' || typeof argument.value !== 'string') return
    const { object, property } = node.callee
    if (object.type !== 'MemberExpression' || object.object.type !== 'Identifier') return
    if (object.object.name !== 'context' || property.type !== 'Identifier' || object.property.type !== 'Identifier')
      return
    const name = argument.value
    const at = { ...place, line: lineAt(text, node.start) }
    const call = `context.${object.property.name}.${property.name}("${name}")`
    const thirdParty = known.thirdParty.get(name)
    const isService = call.startsWith('context.services.get') && !known.services.has(name)
    if (isService && thirdParty !== undefined && thirdParty !== 'http')
      findings.add('error', 'service-type-ended', {
        ...at,
        message: `${call}: services of type "${thirdParty}" ended; its actions answer ServiceTypeNotFound`,
        mend: replacementOf(thirdParty),
      })
    if (isService && thirdParty === undefined)
      findings.add('error', 'service-missing', {
        ...at,
        message: `${call}: there is no such data source`,
        mend: `add data_sources/${name}/config.json, or use ${[...known.services].map((source) => `"${source}"`).join(' or ')}`,
      })
    if (call.startsWith('context.functions.execute') && !known.functions.has(name))
      findings.add('error', 'function-missing', {
        ...at,
        message: `${call}: there is no such function`,
        mend: `add functions/${name}.js, or name another function`,
      })
    if (call.startsWith('context.values.get') && !known.values.has(name))
      findings.add('warning', 'value-missing', {
        ...at,
        message: `${call}: there is no such value; it is undefined`,
        mend: `add values/${name}.json`,
      })
  })
}
