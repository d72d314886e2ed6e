/** The collection that every scenario works on. */
export const COLLECTION = 'things'
/** Where `$merge` and `$out` write: a scenario starts without it. */
export const TARGET = 'targets'
