/**
 * A promise of an array for calls that App Services documents as synchronous (`getCollectionNames`). A database cannot
 * be asked synchronously here, so using the value without `await` throws an error that says so instead of yielding
 * undefined.
 */
export function deferredList(call: string, promise: Promise<string[]>): Promise<string[]> {
  const refuse = {
    configurable: true,
    get(): never {
      throw new Error(`${call} is asynchronous here: write "await ${call}"`)
    },
  }
  const names = Reflect.ownKeys(Array.prototype).filter(
    (name) => name !== 'constructor' && !(name in Promise.prototype),
  )
  Object.defineProperties(promise, Object.fromEntries([...names, '0'].map((name) => [name, refuse])))
  return promise
}
