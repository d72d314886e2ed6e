/** Compares the value an operator is applied to (undefined: missing) with its resolved operand. */
export type Comparison = (left: unknown, operand: unknown) => boolean
