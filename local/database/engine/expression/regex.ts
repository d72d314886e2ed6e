import { BSONRegExp, type Doc, int, isDoc, isNullish, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { compileRegex } from '../match/regex.ts'
import { compile } from './compile.ts'
import type { Operators } from './define.ts'
import { type CompileOperator, constantOf, type Evaluate } from './scope.ts'

interface Pieces {
  readonly text: string
  readonly regex: RegExp
}

function buildRegex(pattern: Value, options: Value | undefined, name: string, flags: string): RegExp {
  let flagsGiven = ''
  if (!isNullish(options)) {
    if (typeof options !== 'string') {
      throw new DatabaseError(51106, `${name} needs 'options' to be of type string`)
    }
    flagsGiven = options
  }
  for (const flag of flagsGiven) {
    if (!'imsxu'.includes(flag)) throw new DatabaseError(51108, `${name} invalid flag in regex options: ${flag}`)
  }
  if (pattern instanceof BSONRegExp) {
    if (pattern.options !== '' && flagsGiven !== '') {
      throw new DatabaseError(51107, `${name} found regex option(s) specified in both 'regex' and 'option' fields`)
    }
    return compileRegex(pattern.pattern, flagsGiven || pattern.options, flags)
  }
  if (typeof pattern !== 'string') {
    throw new DatabaseError(51105, `${name} needs 'regex' to be of type string or regex`)
  }
  if (pattern.includes('\0'))
    throw new DatabaseError(51109, `${name}: regular expression cannot contain an embedded null byte`)
  return compileRegex(pattern, flagsGiven, flags)
}

function pieces(
  operand: Value,
  scope: Parameters<CompileOperator>[1],
  name: string,
  flags: string,
): (doc: Doc) => Pieces | null {
  if (!isDoc(operand)) {
    throw new DatabaseError(51103, `${name} expects an object of named arguments but found: ${typeName(operand)}`)
  }
  for (const field of operand.keys()) {
    if (field !== 'input' && field !== 'regex' && field !== 'options') {
      throw new DatabaseError(31024, `${name} found an unknown argument: ${field}`)
    }
  }
  if (!operand.has('input')) throw new DatabaseError(31022, `${name} requires 'input' parameter`)
  if (!operand.has('regex')) throw new DatabaseError(31023, `${name} requires 'regex' parameter`)
  const input = compile(operand.get('input')!, scope)
  const regex = compile(operand.get('regex')!, scope)
  const optionsSpec = operand.get('options')
  const options: Evaluate | undefined = optionsSpec === undefined ? undefined : compile(optionsSpec, scope)
  const fixedPattern = constantOf(regex)
  const fixedOptions = options === undefined ? { value: undefined } : constantOf(options)
  const fixed =
    fixedPattern !== undefined && fixedOptions !== undefined && !isNullish(fixedPattern.value)
      ? buildRegex(fixedPattern.value, fixedOptions.value, name, flags)
      : undefined
  return (doc) => {
    const text = input(doc)
    if (!isNullish(text) && typeof text !== 'string') {
      throw new DatabaseError(51104, `${name} needs 'input' to be of type string`)
    }
    let compiled = fixed
    if (compiled === undefined) {
      const pattern = regex(doc)
      if (isNullish(pattern)) return null
      compiled = buildRegex(pattern, options?.(doc), name, flags)
    }
    return typeof text === 'string' ? { text, regex: compiled } : null
  }
}

function describe(match: RegExpMatchArray, codePointsBefore: number): Doc {
  return new Map<string, Value>([
    ['match', match[0]],
    ['idx', int(codePointsBefore)],
    ['captures', match.slice(1).map((group) => group ?? null)],
  ])
}

const codePoints = (text: string): number => [...text].length

const regexMatch: CompileOperator = (operand, scope, name) => {
  const read = pieces(operand, scope, name, '')
  return (doc) => {
    const found = read(doc)
    return found?.regex.test(found.text) ?? false
  }
}

const regexFind: CompileOperator = (operand, scope, name) => {
  const read = pieces(operand, scope, name, '')
  return (doc) => {
    const found = read(doc)
    const match = found === null ? null : found.regex.exec(found.text)
    return found !== null && match ? describe(match, codePoints(found.text.slice(0, match.index))) : null
  }
}

const regexFindAll: CompileOperator = (operand, scope, name) => {
  const read = pieces(operand, scope, name, 'g')
  return (doc) => {
    const found = read(doc)
    if (found === null) return []
    const matches: Doc[] = []
    let counted = 0
    let before = 0
    for (const match of found.text.matchAll(found.regex)) {
      // MongoDB stops once the whole text is read: an empty match at its end does not count.
      if (match.index === found.text.length && match.index > 0) break
      before += codePoints(found.text.slice(counted, match.index))
      counted = match.index
      matches.push(describe(match, before))
    }
    return matches
  }
}

export const REGEX: Operators = { $regexMatch: regexMatch, $regexFind: regexFind, $regexFindAll: regexFindAll }
