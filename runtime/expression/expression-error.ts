/** An expression that cannot be evaluated: unknown expansion or operator, bad conversion, a function that threw. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
}
