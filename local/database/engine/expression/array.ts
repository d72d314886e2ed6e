import { compareValues, valuesEqual } from '../../bson/compare.ts'
import { exactInteger } from '../../bson/number.ts'
import { type Doc, int, isDoc, isNullish, isNumber, typeName, type Value } from '../../bson/value.ts'
import { DatabaseError } from '../../errors.ts'
import { isTrue } from '../match/element.ts'
import { compileSort } from '../sort.ts'
import { compile } from './compile.ts'
import {
  binary,
  compileArguments,
  type NamedErrors,
  namedArguments,
  type Operators,
  ranged,
  rangedOverPresent,
  shown,
  unary,
  variadic,
} from './define.ts'
import { checkVariableName } from './names.ts'
import { type Cell, type CompileOperator, type Evaluate, withVariables } from './scope.ts'
import { indexBound } from './text.ts'

type Input = Value | undefined

/** A whole number that fits 32 bits, refused with the operator's own code. */
function int32(value: Input, code: number, text: string): number {
  const integer = isNumber(value) ? exactInteger(value) : undefined
  if (integer === undefined || integer > 2147483647n || integer < -2147483648n) throw new DatabaseError(code, text)
  return Number(integer)
}

function arrayElemAt(array: Input, position: Input): Input {
  if (isNullish(array) || isNullish(position)) return null
  if (!Array.isArray(array)) {
    throw new DatabaseError(28689, `$arrayElemAt's first argument must be an array, but is ${typeName(array)}`)
  }
  if (!isNumber(position)) {
    throw new DatabaseError(
      28690,
      `$arrayElemAt's second argument must be a numeric value, but is ${typeName(position)}`,
    )
  }
  const index = int32(
    position,
    28691,
    `$arrayElemAt's second argument must be representable as a 32-bit integer: ${shown(position)}`,
  )
  return array[index < 0 ? array.length + index : index]
}

function end(which: 'first' | 'last'): CompileOperator {
  return unary((array, name) => {
    if (isNullish(array)) return null
    if (!Array.isArray(array)) {
      throw new DatabaseError(28689, `${name}'s argument must be an array, but is ${typeName(array)}`)
    }
    return which === 'first' ? array[0] : array[array.length - 1]
  })
}

const concatArrays = variadic((values) => {
  const result: Value[] = []
  for (const value of values) {
    if (isNullish(value)) return null
    if (!Array.isArray(value)) {
      throw new DatabaseError(28664, `$concatArrays only supports arrays, not ${typeName(value)}`)
    }
    for (const item of value) result.push(item)
  }
  return result
})

/** Operators that run an expression for each element, under a name. */
function perElement(
  operand: Value,
  name: string,
  scope: Parameters<CompileOperator>[1],
  bodyField: string,
  optional: readonly string[],
  errors: NamedErrors,
): { input: Evaluate; body: Evaluate; cell: Cell; spec: Doc } {
  const spec = namedArguments(operand, name, ['input', bodyField], ['as', ...optional], errors)
  const as = spec.get('as') ?? 'this'
  if (typeof as !== 'string') throw new DatabaseError(9, `${name} requires 'as' to be a string`)
  checkVariableName(as, 'define')
  const cell: Cell = { value: undefined }
  const inner = withVariables(scope, [[as, () => cell.value]])
  return { input: compile(spec.get('input')!, scope), body: compile(spec.get(bodyField)!, inner), cell, spec }
}

const map: CompileOperator = (operand, scope, name) => {
  const missing = isDoc(operand) && operand.has('input') ? 16882 : 16880
  const { input, body, cell } = perElement(operand, name, scope, 'in', [], {
    notObject: [16878, '$map only supports an object as its argument'],
    unknown: [16879, 'Unrecognized parameter to $map: '],
    missing: [missing, "Missing '%' parameter to $map"],
  })
  return (doc) => {
    const array = input(doc)
    if (isNullish(array)) return null
    if (!Array.isArray(array)) throw new DatabaseError(16883, `input to $map must be an array not ${typeName(array)}`)
    const result: Value[] = new Array(array.length)
    for (let index = 0; index < array.length; index++) {
      cell.value = array[index]
      result[index] = body(doc) ?? null
    }
    return result
  }
}

const filter: CompileOperator = (operand, scope, name) => {
  const missing = isDoc(operand) && operand.has('input') ? 28650 : 28648
  const { input, body, cell, spec } = perElement(operand, name, scope, 'cond', ['limit'], {
    notObject: [28646, '$filter only supports an object as its argument'],
    unknown: [28647, 'Unrecognized parameter to $filter: '],
    missing: [missing, "Missing '%' parameter to $filter"],
  })
  const limitSpec = spec.get('limit')
  const limit = limitSpec === undefined ? undefined : compile(limitSpec, scope)
  return (doc) => {
    const array = input(doc)
    if (isNullish(array)) return null
    if (!Array.isArray(array))
      throw new DatabaseError(28651, `input to $filter must be an array not ${typeName(array)}`)
    let most = array.length
    const limitValue = limit?.(doc)
    if (limit !== undefined && !isNullish(limitValue)) {
      most = int32(
        limitValue,
        327391,
        `$filter: limit must be represented as a 32-bit integral value: ${shown(limitValue)}`,
      )
      if (most < 1) throw new DatabaseError(327392, `$filter: limit must be greater than 0: ${most}`)
    }
    const result: Value[] = []
    for (let index = 0; index < array.length && result.length < most; index++) {
      cell.value = array[index]
      if (isTrue(body(doc))) result.push(array[index]!)
    }
    return result
  }
}

const reduce: CompileOperator = (operand, scope, name) => {
  const spec = namedArguments(operand, name, ['input', 'initialValue', 'in'], [], {
    notObject: [40075, `$reduce requires an object as an argument, found: ${typeName(operand)}`],
    unknown: [40076, '$reduce found an unknown argument: '],
    missing: [40077, "$reduce requires '%' to be specified"],
  })
  const thisCell: Cell = { value: undefined }
  const valueCell: Cell = { value: undefined }
  const inner = withVariables(scope, [
    ['this', () => thisCell.value],
    ['value', () => valueCell.value],
  ])
  const input = compile(spec.get('input')!, scope)
  const initial = compile(spec.get('initialValue')!, scope)
  const body = compile(spec.get('in')!, inner)
  return (doc) => {
    const array = input(doc)
    if (isNullish(array)) return null
    if (!Array.isArray(array)) {
      throw new DatabaseError(40080, `$reduce requires that 'input' be an array, found: ${shown(array)}`)
    }
    let result = initial(doc)
    for (const item of array) {
      thisCell.value = item
      valueCell.value = result
      result = body(doc)
    }
    return result
  }
}

function isIn(value: Input, array: Input, _name: string, { env }: Parameters<CompileOperator>[1]): Input {
  if (!Array.isArray(array)) {
    throw new DatabaseError(40081, `$in requires an array as a second argument, found: ${typeName(array)}`)
  }
  return array.some((item) => valuesEqual(item, value, env.collation))
}

const indexOfArray = rangedOverPresent(2, 4, (values, name, { env }) => {
  const [array, sought, startValue, endValue] = values
  if (!Array.isArray(array)) {
    throw new DatabaseError(40090, `$indexOfArray requires an array as a first argument, found: ${typeName(array)}`)
  }
  const start = values.length > 2 ? indexBound(startValue, name, 'starting') : 0
  const limit = values.length > 3 ? Math.min(indexBound(endValue, name, 'ending'), array.length) : array.length
  for (let index = start; index < limit; index++)
    if (valuesEqual(array[index], sought, env.collation)) return int(index)
  return int(-1)
})

const range = ranged(2, 3, (values) => {
  const [startValue, endValue, stepValue] = values
  const what = [
    ['starting value', startValue, 34443, 34444],
    ['ending value', endValue, 34445, 34446],
    ['step value', values.length > 2 ? stepValue : int(1), 34447, 34448],
  ] as const
  const [start, stop, step] = what.map(([label, value, typeCode, rangeCode]) => {
    if (!isNumber(value)) {
      throw new DatabaseError(typeCode, `$range requires a numeric ${label}, found value of type: ${typeName(value)}`)
    }
    return int32(
      value,
      rangeCode,
      `$range requires a ${label} that can be represented as a 32-bit integer, found value: ${shown(value)}`,
    )
  }) as [number, number, number]
  if (step === 0) throw new DatabaseError(34449, '$range requires a non-zero step value')
  const result: Value[] = []
  for (let value = start; step > 0 ? value < stop : value > stop; value += step) result.push(int(value))
  return result
})

const reverseArray = unary((array) => {
  if (isNullish(array)) return null
  if (!Array.isArray(array)) {
    throw new DatabaseError(
      34435,
      `The argument to $reverseArray must be an array, but was of type: ${typeName(array)}`,
    )
  }
  return array.toReversed()
})

const size = unary((array) => {
  if (!Array.isArray(array)) {
    throw new DatabaseError(17124, `The argument to $size must be an array, but was of type: ${typeName(array)}`)
  }
  return int(array.length)
})

const slice = ranged(2, 3, (values) => {
  const [array, second, third] = values
  if (values.some(isNullish)) return null
  if (!Array.isArray(array)) {
    throw new DatabaseError(28724, `First argument to $slice must be an array, but is of type: ${typeName(array)}`)
  }
  if (!isNumber(second)) {
    throw new DatabaseError(
      28725,
      `Second argument to $slice must be a numeric value, but is of type: ${typeName(second)}`,
    )
  }
  const first = int32(
    second,
    28726,
    `Second argument to $slice can't be represented as a 32-bit integer: ${shown(second)}`,
  )
  if (values.length === 2) return first >= 0 ? array.slice(0, first) : array.slice(first)
  if (!isNumber(third)) {
    throw new DatabaseError(28727, `Third argument to $slice must be numeric, but is of type: ${typeName(third)}`)
  }
  const count = int32(
    third,
    28728,
    `Third argument to $slice can't be represented as a 32-bit integer: ${shown(third)}`,
  )
  if (count <= 0) throw new DatabaseError(28729, `Third argument to $slice must be positive: ${count}`)
  const start = first >= 0 ? first : Math.max(0, array.length + first)
  return array.slice(start, start + count)
})

const zip: CompileOperator = (operand, scope, name) => {
  const spec = namedArguments(operand, name, ['inputs'], ['defaults', 'useLongestLength'], {
    notObject: [34460, `$zip only supports an object as an argument, found ${typeName(operand)}`],
    unknown: [34464, '$zip found an unknown argument: '],
    missing: [34465, '$zip requires at least one input array'],
  })
  const inputsSpec = spec.get('inputs')
  if (!Array.isArray(inputsSpec))
    throw new DatabaseError(34461, `inputs must be an array of expressions, found ${typeName(inputsSpec)}`)
  if (inputsSpec.length === 0) throw new DatabaseError(34465, '$zip requires at least one input array')
  const longest = spec.get('useLongestLength') ?? false
  if (typeof longest !== 'boolean') {
    throw new DatabaseError(34463, `useLongestLength must be a bool, found ${typeName(longest)}`)
  }
  const defaultsSpec = spec.get('defaults')
  if (defaultsSpec !== undefined) {
    if (!Array.isArray(defaultsSpec)) {
      throw new DatabaseError(34462, `defaults must be an array of expressions, found ${typeName(defaultsSpec)}`)
    }
    if (!longest) throw new DatabaseError(34466, 'cannot specify defaults unless useLongestLength is true')
    if (defaultsSpec.length !== inputsSpec.length) {
      throw new DatabaseError(34467, 'defaults and inputs must have the same length')
    }
  }
  const inputs = inputsSpec.map((item) => compile(item, scope))
  const defaults = defaultsSpec === undefined ? [] : defaultsSpec.map((item) => compile(item, scope))
  return (doc) => {
    const arrays: Value[][] = []
    for (const input of inputs) {
      const array = input(doc)
      if (isNullish(array)) return null
      if (!Array.isArray(array))
        throw new DatabaseError(34468, `$zip found a non-array expression in input: ${shown(array)}`)
      arrays.push(array)
    }
    const fills = defaults.map((fill) => fill(doc) ?? null)
    const lengths = arrays.map((array) => array.length)
    const length = longest ? Math.max(...lengths) : Math.min(...lengths)
    return Array.from({ length }, (_, index) =>
      arrays.map((array, at) => (index < array.length ? array[index]! : (fills[at] ?? null))),
    )
  }
}

const sortArray: CompileOperator = (operand, scope, name) => {
  const spec = namedArguments(operand, name, ['input', 'sortBy'], [], {
    notObject: [2942500, `$sortArray requires an object as an argument, found: ${typeName(operand)}`],
    unknown: [2942501, '$sortArray found an unknown argument: '],
    missing: [2942502, "$sortArray requires '%' to be specified"],
  })
  const input = compile(spec.get('input')!, scope)
  const sortBy = spec.get('sortBy')!
  let sort: (items: Value[]) => Value[]
  if (isNumber(sortBy)) {
    const direction = exactInteger(sortBy)
    if (direction !== 1n && direction !== -1n) {
      throw new DatabaseError(2942505, 'The $sort element value must be either 1 or -1')
    }
    const sign = Number(direction)
    sort = (items) => items.sort((a, b) => sign * compareValues(a, b, scope.env.collation))
  } else if (isDoc(sortBy)) {
    const sorter = compileSort(sortBy, scope.env)
    const empty: Doc = new Map()
    sort = (items) => {
      const keyed = items.map((item) => ({ item, doc: isDoc(item) ? item : empty }))
      return keyed.sort((a, b) => sorter.compare(a.doc, b.doc)).map(({ item }) => item)
    }
  } else
    throw new DatabaseError(
      2942507,
      `The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort embedded fields`,
    )
  return (doc) => {
    const array = input(doc)
    if (isNullish(array)) return null
    if (!Array.isArray(array)) {
      throw new DatabaseError(
        2942504,
        `The input argument to $sortArray must be an array, but was of type: ${typeName(array)}`,
      )
    }
    return sort([...array])
  }
}

/** `$firstN`, `$lastN`, `$maxN`, `$minN` of an array. */
function several(
  pick: (items: Value[], count: number, scope: Parameters<CompileOperator>[1]) => Value[],
): CompileOperator {
  return (operand, scope, name) => {
    const spec = namedArguments(operand, name, ['input', 'n'], [], {
      notObject: [5787801, `specification must be an object; found ${name} :${shown(operand)}`],
      unknown: [5787901, `Unknown argument for 'n' operator: `],
      missing: [isDoc(operand) && operand.has('n') ? 5787907 : 5787906, "Missing value for '%'"],
    })
    const input = compile(spec.get('input')!, scope)
    const n = compile(spec.get('n')!, scope)
    return (doc) => {
      const array = input(doc)
      if (!Array.isArray(array)) throw new DatabaseError(5788200, 'Input must be an array')
      return pick(array, countOf(n(doc)), scope)
    }
  }
}

/** The `n` of the N operators. */
export function countOf(value: Input): number {
  if (!isNumber(value))
    throw new DatabaseError(5787902, `Value for 'n' must be of integral type, but found ${shown(value)}`)
  const count = exactInteger(value)
  if (count === undefined) {
    throw new DatabaseError(5787903, `Value for 'n' must be of integral type, but found ${shown(value)}`)
  }
  if (count <= 0n) throw new DatabaseError(5787908, `'n' must be greater than 0, found ${count}`)
  return Number(count)
}

const present = (items: Value[]): Value[] => items.filter((item) => !isNullish(item))

const arrayToObject = unary((array) => {
  if (isNullish(array)) return null
  if (!Array.isArray(array)) {
    throw new DatabaseError(40386, `$arrayToObject requires an array input, found: ${typeName(array)}`)
  }
  const result: Doc = new Map()
  let pairs: boolean | undefined
  for (const item of array) {
    if (isDoc(item)) {
      if (pairs === true) {
        throw new DatabaseError(
          40391,
          `$arrayToObject requires a consistent input format. Elements must all be arrays or all be objects. Array was detected, now found: ${typeName(item)}`,
        )
      }
      pairs = false
      if (item.size !== 2) {
        throw new DatabaseError(
          40392,
          `$arrayToObject requires an object keys of 'k' and 'v'. Found incorrect number of keys:${item.size}`,
        )
      }
      const key = item.get('k')
      const value = item.get('v')
      if (key === undefined || value === undefined) {
        throw new DatabaseError(
          40393,
          `$arrayToObject requires an object with keys 'k' and 'v'. Missing either or both keys from: ${shown(item)}`,
        )
      }
      if (typeof key !== 'string') {
        throw new DatabaseError(
          40394,
          `$arrayToObject requires an object with keys 'k' and 'v', where the value of 'k' must be of type string. Found type: ${typeName(key)}`,
        )
      }
      setOrMove(result, key, value)
    } else if (Array.isArray(item)) {
      if (pairs === false) {
        throw new DatabaseError(
          40396,
          `$arrayToObject requires a consistent input format. Elements must all be arrays or all be objects. Object was detected, now found: ${typeName(item)}`,
        )
      }
      pairs = true
      if (item.length !== 2) {
        throw new DatabaseError(
          40397,
          `$arrayToObject requires an array of size 2 arrays,found array of size: ${item.length}`,
        )
      }
      const [key, value] = item
      if (typeof key !== 'string') {
        throw new DatabaseError(
          40395,
          `$arrayToObject requires an array of key-value pairs, where the key must be of type string. Found key type: ${typeName(key)}`,
        )
      }
      setOrMove(result, key, value!)
    } else {
      throw new DatabaseError(40398, `Unrecognised input type format for $arrayToObject: ${typeName(item)}`)
    }
  }
  return result
})

function setOrMove(result: Doc, key: string, value: Value): void {
  if (key.includes('\0')) {
    throw new DatabaseError(4940400, 'Key field cannot contain an embedded null byte')
  }
  result.set(key, value)
}

const isArray: CompileOperator = (operand, scope, name) => {
  const [part] = compileArguments(operand, scope, name, 1) as [Evaluate]
  return (doc) => Array.isArray(part(doc))
}

const take = (items: Value[], count: number): Value[] => items.slice(0, count)

export const ARRAY: Operators = {
  $arrayElemAt: binary(arrayElemAt),
  $first: end('first'),
  $last: end('last'),
  $concatArrays: concatArrays,
  $map: map,
  $filter: filter,
  $reduce: reduce,
  $in: binary(isIn),
  $indexOfArray: indexOfArray,
  $range: range,
  $reverseArray: reverseArray,
  $size: size,
  $slice: slice,
  $zip: zip,
  $sortArray: sortArray,
  $firstN: several(take),
  $lastN: several((items, count) => items.slice(-count)),
  $maxN: several((items, count, { env }) =>
    take(
      present(items).sort((a, b) => compareValues(b, a, env.collation)),
      count,
    ),
  ),
  $minN: several((items, count, { env }) =>
    take(
      present(items).sort((a, b) => compareValues(a, b, env.collation)),
      count,
    ),
  ),
  $arrayToObject: arrayToObject,
  $isArray: isArray,
}
