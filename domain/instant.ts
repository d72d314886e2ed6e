export type IsoInstant = string
