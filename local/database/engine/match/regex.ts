import { DatabaseError } from '../../errors.ts'

const cache = new Map<string, RegExp>()

const POSIX_CLASSES: Readonly<Record<string, string>> = {
  alnum: 'a-zA-Z0-9',
  alpha: 'a-zA-Z',
  ascii: '\\x00-\\x7F',
  blank: ' \\t',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '\\x21-\\x7E',
  lower: 'a-z',
  print: '\\x20-\\x7E',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\s',
  upper: 'A-Z',
  word: '\\w',
  xdigit: 'A-Fa-f0-9',
}

/** What PCRE writes differently from JavaScript: anchors, POSIX classes, named groups, quoting, the `x` option. */
function translate(pattern: string, options: string): string {
  const extended = options.includes('x')
  let result = ''
  let inClass = false
  for (let index = 0; index < pattern.length; index++) {
    const char = pattern[index]!
    if (char === '\\') {
      const next = pattern[index + 1] ?? ''
      if (next === 'Q') {
        const end = pattern.indexOf('\\E', index)
        const literal = pattern.slice(index + 2, end < 0 ? undefined : end)
        result += literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
        index = end < 0 ? pattern.length : end + 1
        continue
      }
      index++
      if (!inClass && next === 'A') result += '(?<![\\s\\S])'
      else if (!inClass && next === 'z') result += '(?![\\s\\S])'
      else if (!inClass && next === 'Z') result += '(?=\\n?(?![\\s\\S]))'
      else if (next === 'h') result += inClass ? ' \\t' : '[ \\t]'
      else if (next === 'R') result += '(?:\\r\\n|[\\n\\v\\f\\r\\u0085\\u2028\\u2029])'
      else if (next === 'a') result += '\\x07'
      else if (next === 'e') result += '\\x1B'
      else if (/[-#&%~`'"@!:;<>=, _]/.test(next)) result += inClass && next === '-' ? '\\-' : next
      else result += char + next
      continue
    }
    if (inClass) {
      const posix = char === '[' ? /^\[:(\^?)(\w+):\]/.exec(pattern.slice(index)) : null
      const members = posix ? POSIX_CLASSES[posix[2] ?? ''] : undefined
      if (posix && members !== undefined && posix[1] === '') {
        result += members
        index += posix[0].length - 1
        continue
      }
      if (char === ']') inClass = false
      result += char === '[' ? '\\[' : char
      continue
    }
    if (char === '[') {
      inClass = true
      result += char
      if (pattern[index + 1] === '^') result += pattern[++index]
      if (pattern[index + 1] === ']') {
        result += '\\]'
        index++
      }
      continue
    }
    if (extended && /\s/.test(char)) continue
    if (extended && char === '#') {
      while (index < pattern.length && pattern[index] !== '\n') index++
      continue
    }
    if (char === '(' && pattern.startsWith('(?P<', index)) {
      result += '(?<'
      index += 3
      continue
    }
    if (char === '(' && pattern.startsWith('(?#', index)) {
      while (index < pattern.length && pattern[index] !== ')') index++
      continue
    }
    // PCRE's dot leaves out only the line feed, and its dollar also stands before a last line feed.
    if (char === '.' && !options.includes('s')) result += '[^\\n]'
    else if (char === '$' && !options.includes('m')) result += '(?=\\n?(?![\\s\\S]))'
    else result += char
  }
  return result
}

/**
 * A JavaScript expression that does what MongoDB's (PCRE) does.
 *
 * @param options any of `i`, `m`, `s`, `x`, `u`
 * @param flags further JavaScript flags, such as `g` or `d`
 * @throws {DatabaseError} 51108 for an unknown option, 51091 for a pattern that does not compile
 */
export function compileRegex(pattern: string, options: string, flags = ''): RegExp {
  const cacheKey = `${flags}/${options}/${pattern}`
  const cached = cache.get(cacheKey)
  if (cached !== undefined) return cached
  for (const option of options) {
    if (!'imsxul'.includes(option)) throw new DatabaseError(51108, `invalid flag in regex options: ${option}`)
  }
  let source = pattern
  let active = options
  const inline = /^\(\?([imsx]+)\)/.exec(source)
  if (inline) {
    active += inline[1]
    source = source.slice(inline[0].length)
  }
  const translated = translate(source, active)
  const jsFlags = flags + ['i', 'm', 's'].filter((flag) => active.includes(flag)).join('')
  const regex = construct(translated, `${jsFlags}u`) ?? construct(translated, jsFlags)
  if (regex === undefined) throw new DatabaseError(51091, `Regular expression is invalid: ${pattern}`)
  if (cache.size > 2000) cache.clear()
  cache.set(cacheKey, regex)
  return regex
}

function construct(source: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(source, flags)
  } catch {
    return undefined
  }
}
