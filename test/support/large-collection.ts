import { type Collection, type Document, ObjectId } from 'mongodb'

const BATCH = 5000
const CITIES = ['Amsterdam', 'Berlin', 'Cairo', 'Denver', 'Essen', 'Fukuoka', 'Genoa', 'Hamburg']
const PLANS = ['free', 'starter', 'team', 'enterprise']

/** The indexes that `fillLarge` keeps up, beside that of `_id`. */
export const LARGE_INDEXES = [{ email: 1 }, { customer: 1, at: -1 }, { tags: 1 }] as const

/** One of many documents as applications keep them: 400 bytes or so. */
export function largeDocument(number: number): Document {
  return {
    _id: new ObjectId(),
    number,
    customer: `customer-${number % 5000}`,
    email: `person.number.${number}@example.com`,
    at: new Date(Date.UTC(2024, 0, 1) + number * 60_000),
    plan: PLANS[number % PLANS.length],
    amount: (number * 7919) % 100_000,
    ratio: number / 7,
    active: number % 3 !== 0,
    tags: [`tag-${number % 50}`, `group-${number % 700}`],
    address: {
      street: `${number % 300} Long Street`,
      city: CITIES[number % CITIES.length],
      zip: 10_000 + (number % 8000),
    },
    note: `Order ${number} was placed by telephone and confirmed on the same day, with the usual discount.`,
  }
}

/** Puts `count` documents into the collection, its indexes made before. */
export async function fillLarge(collection: Collection<Document>, count: number): Promise<void> {
  for (const key of LARGE_INDEXES) await collection.createIndex(key)
  for (let from = 0; from < count; from += BATCH) {
    const length = Math.min(BATCH, count - from)
    await collection.insertMany(Array.from({ length }, (_, at) => largeDocument(from + at)))
  }
}
