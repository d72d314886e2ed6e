/**
 * What the newest snapshot of the demo must say. The data is built towards these numbers; the numbers themselves are
 * always computed by the product's own functions.
 */
export interface DemoScale {
  readonly totalUsers: number
  /** Distinct users of the last 30 days. */
  readonly mau: number
  /** Distinct users of yesterday. */
  readonly dau: number
  /** Customers paying now, by plan; prices in `plans`. */
  readonly proCustomers: number
  readonly enterpriseCustomers: number
  /** Customers paying 30 days ago, and how many of them no longer pay. */
  readonly openingCustomers: number
  readonly churnedCustomers: number
  /** Customers who left more than 30 days ago. */
  readonly formerCustomers: number
  /** Trials that ended without a customer, over the whole history. */
  readonly failedTrials: number
  /** NPS answers of the last 90 days. */
  readonly promoters: number
  readonly passives: number
  readonly detractors: number
  /** Acquisition cost per new customer of the last 30 days, in major units. */
  readonly cac: number
}

/** Monthly prices. 1,000 x 49 + 250 x 199 = 98,750, the MRR of the users' own sample. */
export const plans = { pro: 49, enterprise: 199 } as const

export const historyDays = 730

export const demoScales = {
  small: {
    totalUsers: 620,
    mau: 358,
    dau: 130,
    proCustomers: 40,
    enterpriseCustomers: 10,
    openingCustomers: 45,
    churnedCustomers: 2,
    formerCustomers: 30,
    failedTrials: 30,
    promoters: 29,
    passives: 13,
    detractors: 8,
    cac: 120,
  },
  full: {
    totalUsers: 15_420,
    mau: 8_930,
    dau: 3_245,
    proCustomers: 1_000,
    enterpriseCustomers: 250,
    openingCustomers: 1_125,
    churnedCustomers: 36,
    formerCustomers: 720,
    failedTrials: 760,
    promoters: 290,
    passives: 130,
    detractors: 80,
    cac: 120,
  },
} as const satisfies Record<string, DemoScale>

export type DemoScaleName = keyof typeof demoScales
