import { type Fraction, roundToHundredths } from '../exact/fraction.ts'
import type { Instant } from '../instant.ts'
import { type Money, moneyFraction, sumMoney } from '../money.ts'
import type { ActiveUsers } from './active-users.ts'
import { computeArpu, computeMrrPerMau } from './arpu.ts'
import { computeArr } from './arr.ts'
import { computeCac, type Spend } from './cac.ts'
import { computeCacPaybackMonths } from './cac-payback-months.ts'
import { computeChurnRate, countChurnedCustomers } from './churn-rate.ts'
import type { KpiConfig } from './config.ts'
import type { CustomerBalance } from './customer-balance.ts'
import { computeLtv } from './ltv.ts'
import { computeLtvCacRatio } from './ltv-cac-ratio.ts'
import { computeNetNewMrr, type Movements } from './movements.ts'
import { computeMrr } from './mrr.ts'
import { computeGrossMrrChurnRate, computeNetMrrChurnRate } from './mrr-churn-rate.ts'
import type { NpsResult } from './nps.ts'
import { countOpeningCustomers, countPayingCustomers } from './paying-customers.ts'
import { computeQuickRatio } from './quick-ratio.ts'
import { computeGrr, computeNrr, sumRetention } from './revenue-retention.ts'
import { computeStickiness, computeStickinessAverage } from './stickiness.ts'
import type { SubscriptionCounts } from './subscription-counts.ts'
import { computeTrialConversionRate, type TrialCounts } from './trial-conversion-rate.ts'

/** Everything a snapshot is computed from, already cut to `asOf` and the movement window. */
export interface KpiInputs {
  readonly asOf: Instant
  readonly windowFrom: Instant
  readonly config: KpiConfig
  readonly totalUsers: number
  readonly activity: ActiveUsers
  /** At least every customer who pays, or paid at an opening. */
  readonly balances: readonly CustomerBalance[]
  readonly movements: Movements
  readonly subscriptions: SubscriptionCounts
  readonly trials: TrialCounts
  readonly spend: Spend
  readonly nps: NpsResult
}

/** Names and units of spec KPIs 4 and 5; null: unknown, or a ratio over nothing. */
export interface KpiMetrics {
  readonly total_users: number
  readonly active_users: number
  readonly dau: number
  readonly wau: number
  readonly mau: number
  readonly active_subscriptions: number
  readonly mrr: number
  readonly arr: number
  readonly arpu: number | null
  readonly churn_rate: number | null
  readonly ltv: number | null
  readonly cac: number | null
  readonly nps: number | null
  readonly stickiness: number | null
  readonly stickiness_avg: number | null
  readonly new_mrr: number
  readonly expansion_mrr: number
  readonly reactivation_mrr: number
  readonly contraction_mrr: number
  readonly churned_mrr: number
  readonly net_new_mrr: number
  readonly gross_mrr_churn_rate: number | null
  readonly net_mrr_churn_rate: number | null
  readonly nrr_30d: number | null
  readonly nrr_12m: number | null
  readonly grr_30d: number | null
  readonly grr_12m: number | null
  readonly quick_ratio: number | null
  readonly trial_conversion_rate: number | null
  readonly ltv_cac_ratio: number | null
  readonly cac_payback_months: number | null
  readonly mrr_per_mau: number | null
  readonly paying_customers: number
  readonly past_due_subscriptions: number
  readonly trialing_subscriptions: number
  readonly new_customers: number
  readonly reactivated_customers: number
  readonly churned_customers: number
  readonly opening_customers: number
  readonly opening_mrr: number
  readonly trials_ended: number
  readonly trials_converted: number
  readonly nps_respondents: number
  /** Spend of the window; null when no document overlaps it. */
  readonly acquisition_spend: number | null
}

/**
 * Computes every metric of a snapshot. Reads no clock and keeps every intermediate unrounded; each number is rounded
 * once, here, to two decimals, halves away from zero (spec: KPIs 1).
 */
export function computeKpis(inputs: KpiInputs): KpiMetrics {
  const { activity, balances, movements, config } = inputs
  const mrr = computeMrr(balances)
  const openingMrr = sumMoney(balances.map((balance) => balance.windowFrom))
  const payingCustomers = countPayingCustomers(balances)
  const openingCustomers = countOpeningCustomers(balances)
  const churnedCustomers = countChurnedCustomers(balances)
  const arpu = computeArpu(mrr, payingCustomers)
  const churnRate = computeChurnRate(churnedCustomers, openingCustomers)
  const ltv = computeLtv(arpu, churnRate, config.grossMargin)
  const cac = computeCac(inputs.spend.total, movements.newCustomers)
  const days30 = sumRetention(balances, (balance) => balance.days30Ago)
  const months12 = sumRetention(balances, (balance) => balance.months12Ago)
  return {
    total_users: inputs.totalUsers,
    active_users: activity.mau,
    dau: activity.dau,
    wau: activity.wau,
    mau: activity.mau,
    active_subscriptions: inputs.subscriptions.active,
    mrr: money(mrr),
    arr: roundToHundredths(computeArr(mrr)),
    arpu: rounded(arpu),
    churn_rate: rounded(churnRate),
    ltv: rounded(ltv),
    cac: rounded(cac),
    nps: rounded(inputs.nps.nps),
    stickiness: rounded(computeStickiness(activity.dau, activity.mau)),
    stickiness_avg: rounded(computeStickinessAverage(activity.userDays, activity.mau)),
    new_mrr: money(movements.new),
    expansion_mrr: money(movements.expansion),
    reactivation_mrr: money(movements.reactivation),
    contraction_mrr: money(movements.contraction),
    churned_mrr: money(movements.churned),
    net_new_mrr: money(computeNetNewMrr(movements)),
    gross_mrr_churn_rate: rounded(computeGrossMrrChurnRate(movements, openingMrr)),
    net_mrr_churn_rate: rounded(computeNetMrrChurnRate(movements, openingMrr)),
    nrr_30d: rounded(computeNrr(days30)),
    nrr_12m: rounded(computeNrr(months12)),
    grr_30d: rounded(computeGrr(days30)),
    grr_12m: rounded(computeGrr(months12)),
    quick_ratio: rounded(computeQuickRatio(movements)),
    trial_conversion_rate: rounded(computeTrialConversionRate(inputs.trials)),
    ltv_cac_ratio: rounded(computeLtvCacRatio(ltv, cac)),
    cac_payback_months: rounded(
      computeCacPaybackMonths(cac, movements.new, movements.newCustomers, config.grossMargin),
    ),
    mrr_per_mau: rounded(computeMrrPerMau(mrr, activity.mau)),
    paying_customers: payingCustomers,
    past_due_subscriptions: inputs.subscriptions.pastDue,
    trialing_subscriptions: inputs.subscriptions.trialing,
    new_customers: movements.newCustomers,
    reactivated_customers: movements.reactivatedCustomers,
    churned_customers: churnedCustomers,
    opening_customers: openingCustomers,
    opening_mrr: money(openingMrr),
    trials_ended: inputs.trials.ended,
    trials_converted: inputs.trials.converted,
    nps_respondents: inputs.nps.respondents,
    acquisition_spend: rounded(inputs.spend.total),
  }
}

function money(amount: Money): number {
  return roundToHundredths(moneyFraction(amount))
}

function rounded(value: Fraction | null): number | null {
  return value === null ? null : roundToHundredths(value)
}
