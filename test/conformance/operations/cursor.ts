import type { AbstractCursor, ChangeStream } from 'mongodb'
import type { OperationTable } from './operation.ts'

/** The driver keeps this method for test runners: it sends the command and leaves the first document to iterate. */
interface Initialisable {
  cursorInit(): Promise<void>
}

/** Sends the command of a cursor without moving it. */
export async function openCursor<T extends AbstractCursor>(cursor: T): Promise<T> {
  await (cursor as unknown as Initialisable).cursorInit()
  return cursor
}

/** Sends the `aggregate` of a change stream without iterating it. */
export async function openChangeStream(stream: ChangeStream): Promise<ChangeStream> {
  await (stream as unknown as { cursor: Initialisable }).cursor.cursorInit()
  return stream
}

export const cursorOperations: OperationTable<AbstractCursor | ChangeStream> = {
  iterateOnce: (cursor) => cursor.tryNext(),
  iterateUntilDocumentOrError: (cursor) => cursor.next(),
  // The format: errors of closing a cursor are not reported alike by all drivers and must be suppressed.
  close: (cursor) => cursor.close().catch(() => {}),
}
