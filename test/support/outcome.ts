import { deserialize, serialize } from 'bson'
import { AppError } from '../../runtime/errors.ts'

/** The result with plain JS numbers, or what was refused and why. */
export async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return deserialize(serialize({ value: await call })).value
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { refusal: `${error.code}: ${error.message}` }
  }
}
