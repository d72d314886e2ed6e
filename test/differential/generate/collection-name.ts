/** The collection that every scenario works on. */
export const COLLECTION = 'things'
