/** Documents `find` returns when the body names no limit (spec: Data API 4). */
export const defaultFindLimit = 1_000

/** Bytes of stored documents an answer may carry (spec: Data API 6, response payload). */
export const maxAnswerBytes = 350_000_000
