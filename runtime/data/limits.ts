/** Documents a query returns at most; further ones are not read (spec: Data API 6, function runtime 8). */
export const maxDocumentsPerQuery = 50_000

/** Documents per reply of the server: one round trip for the default `find`. */
export const readBatchSize = 1_000
