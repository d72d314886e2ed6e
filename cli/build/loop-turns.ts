import type { DoWhileStatement, ForStatement, Node, WhileStatement } from 'acorn'
import { loopTurn } from '../../runtime/function-module.ts'
import type { ParsedScript } from './parsed-script.ts'
import type { TextEdits } from './text-edits.ts'
import { walk } from './walk.ts'

/** A loop with a condition of its own, and hence maybe without end. */
type ConditionalLoop = WhileStatement | DoWhileStatement | ForStatement

function isConditionalLoop(node: Node): node is ConditionalLoop {
  return node.type === 'WhileStatement' || node.type === 'DoWhileStatement' || node.type === 'ForStatement'
}

/** True when only something inside the loop ends it: `while (true)`, `for (;;)`, `do ... while (1)`. */
function isEndless({ test }: ConditionalLoop): boolean {
  return !test || (test.type === 'Literal' && Boolean(test.value))
}

/**
 * Makes every turn of a loop without end ask the run whether it still goes on: one that catches all its errors could
 * otherwise never be stopped, neither by its time nor by its limits, and would hold the host for good. Call it before
 * other edits of the same script, because what it inserts must stand outside theirs.
 */
export function rewriteEndlessLoops(script: ParsedScript, edits: TextEdits): void {
  walk(script.program, (node) => {
    if (!isConditionalLoop(node) || !isEndless(node)) return
    const { body } = node
    const turn = '__edgeTurn(__edgeShared);'
    if (body.type === 'BlockStatement') edits.insert(body.start + 1, turn)
    else {
      edits.insert(body.start, `{${turn}`)
      edits.insert(body.end, '}')
    }
  })
}

/** What the rewritten code calls; text of the module around the functions. */
export const loopPrelude = [
  `const __edgeTurnKey = Symbol.for(${JSON.stringify(loopTurn.description)})`,
  'const __edgeTurn = (shared) => shared[__edgeTurnKey]?.()',
].join('\n')
