import { during, type WorkedExample } from './example.ts'

type Visit = readonly [string, string, string?]

/** `monthly` people, of whom `daily` came on the last day. */
const visits = (monthly: number, daily: number): Visit[] =>
  Array.from({ length: monthly }, (_, nth): Visit => [`u${nth}`, nth < daily ? '2024-02-29' : '2024-02-05'])

/** Who uses the product, and what they say of it. */
export const engagement: readonly WorkedExample[] = [
  {
    source: 'PitchKit glossary, DAU/MAU (here one in five thousand)',
    says: '15,000 of 50,000 are 30 %',
    activity: visits(10, 3),
    metrics: { dau: 3, mau: 10, active_users: 10, stickiness: 30 },
  },
  {
    source: 'FreeOnlineCal, DAU/MAU stickiness ratio (here one in five hundred)',
    says: '3,500 of 45,000 are 7.78 %',
    activity: visits(90, 7),
    metrics: { dau: 7, mau: 90, stickiness: 7.78 },
  },
  {
    source: 'PM Toolkit, How to calculate DAU, MAU and stickiness',
    says: 'people are counted once, over 30 rolling days, and a push they receive is nothing they do',
    activity: [
      ['a', '2024-02-29'],
      ['a', '2024-02-29T23:00:00Z'],
      ['a', '2024-01-31T00:00:00Z'],
      ['b', '2024-02-29', 'push_sent'],
      ['b', '2024-02-23T00:00:00Z'],
      ['c', '2024-02-28', 'email_sent'],
      ['d', '2024-01-30'],
    ],
    metrics: { dau: 1, wau: 2, mau: 2, stickiness: 50, stickiness_avg: 5 },
  },
  {
    source: 'MetricKit, DAU/MAU: stickiness checklist',
    says: 'internal and test accounts are in neither number',
    activity: [...visits(4, 2), ['staff', '2024-02-29'], ['robot', '2024-02-10']],
    testUsers: ['staff', 'robot'],
    metrics: { dau: 2, mau: 4, stickiness: 50, total_users: 4 },
  },
  {
    source: 'Amplitude docs, Change event activity status',
    says: 'an event that is marked inactive makes nobody active, at any time',
    activity: [
      ['a', '2024-02-29', 'background_sync'],
      ['b', '2024-02-29', 'export'],
      ['c', '2024-02-02', 'background_sync'],
    ],
    config: { inactive_event_types: ['background_sync'] },
    metrics: { dau: 1, mau: 1 },
  },
  {
    source: 'Mixpanel docs, Retention: by the month of first use',
    says: 'three of January, of whom one comes back in February; one of February',
    activity: [
      ['a', '2024-01-10'],
      ['b', '2024-01-20'],
      ['c', '2024-01-31T23:59:59.999Z'],
      ['a', '2024-02-20'],
      ['d', '2024-02-01T00:00:00.000Z'],
    ],
    metrics: {
      usage_retention: [
        { cohort: '2024-01', size: 3, customers_pct: [100, 33.33] },
        { cohort: '2024-02', size: 1, customers_pct: [100] },
      ],
    },
  },
  {
    source: 'Hexia Support, Net promoter score',
    says: 'passives are in the number of answers alone: 5, 3 and 2 of ten are +30',
    scores: [10, 10, 9, 9, 9, 7, 8, 8, 0, 6],
    metrics: { nps: 30, nps_respondents: 10 },
  },
  {
    source: 'Nicereply Support, How is NPS calculated (theirs reads "lower than 6"; here the spec decides, with Bain)',
    says: 'six is a detractor',
    scores: [9, 6],
    metrics: { nps: 0 },
  },
  {
    source: 'Hexia Support, Net promoter score',
    says: 'the ends of the scale are -100 and 100, thirds are rounded once',
    scores: [10, 10, 3],
    metrics: { nps: 33.33 },
  },
  {
    source: 'Bain, Measuring your Net Promoter Score (silent on repeated answers; here the spec decides)',
    says: 'the latest answer of each person counts, each anonymous one, and none older than 90 days',
    answers: [
      ['a', 0, '2024-01-05'],
      ['a', 10, '2024-02-05'],
      ['b', 9, '2023-12-01'],
      [null, 3, during],
      [null, 9, during],
      ['c', 8, '2023-12-02T00:00:00Z'],
    ],
    metrics: { nps: 25, nps_respondents: 4 },
  },
]
