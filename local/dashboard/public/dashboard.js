import uPlot from '/uplot.js'

/** @typedef {{ snapshot_date: string, metrics: Record<string, number | null> }} Snapshot */

/** @returns {Promise<Snapshot[]>} the last 90, newest first: the body of the old Apps Script connector */
async function fetchSnapshots({ dataApiUrl, accessToken }) {
  const response = await fetch(`${dataApiUrl}/action/find`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${accessToken}` },
    body: JSON.stringify({
      dataSource: 'Cluster0',
      database: 'bi_dashboard',
      collection: 'kpi_snapshots',
      filter: {},
      sort: { snapshot_date: -1 },
      limit: 90,
    }),
  })
  const body = await response.json()
  if (!response.ok) throw new Error(body.error ?? `the Data API answered ${response.status}`)
  return body.documents
}

const count = new Intl.NumberFormat('en')
const money = new Intl.NumberFormat('en', { style: 'currency', currency: 'USD' })
const percent = (value) => `${value.toFixed(2)} %`

const tiles = [
  ['MRR', 'mrr', money.format],
  ['ARR', 'arr', money.format],
  ['Active subscriptions', 'active_subscriptions', count.format],
  ['ARPU', 'arpu', money.format],
  ['Monthly active users', 'mau', count.format],
  ['Daily active users', 'dau', count.format],
  ['Users', 'total_users', count.format],
  ['Churn, 30 days', 'churn_rate', percent],
  ['LTV', 'ltv', money.format],
  ['CAC', 'cac', money.format],
  ['NPS', 'nps', count.format],
]

function showTiles(metrics) {
  const section = document.getElementById('tiles')
  section.replaceChildren(
    ...tiles.map(([label, name, format]) => {
      const tile = document.createElement('dl')
      tile.className = 'tile'
      const term = document.createElement('dt')
      term.textContent = label
      const value = document.createElement('dd')
      value.dataset.metric = name
      // A ratio without a denominator is unknown, not zero.
      value.textContent = typeof metrics[name] === 'number' ? format(metrics[name]) : '–'
      tile.append(term, value)
      return tile
    }),
  )
}

function chart(id, snapshots, series) {
  const element = document.getElementById(id)
  const style = getComputedStyle(document.documentElement)
  const axis = { stroke: style.getPropertyValue('--quiet'), grid: { stroke: style.getPropertyValue('--line') } }
  const data = [
    snapshots.map((snapshot) => Date.parse(snapshot.snapshot_date) / 1000),
    ...series.map(([, name]) => snapshots.map((snapshot) => snapshot.metrics[name] ?? null)),
  ]
  const plot = new uPlot(
    {
      width: element.clientWidth,
      height: 220,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      axes: [axis, { ...axis, size: 64 }],
      series: [{}, ...series.map(([label, , stroke]) => ({ label, stroke, width: 2 }))],
    },
    data,
    element,
  )
  new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: 220 })).observe(element)
}

try {
  const config = await (await fetch('/config.json')).json()
  const snapshots = await fetchSnapshots(config)
  const newest = snapshots[0]
  if (newest === undefined) throw new Error('there is no snapshot yet: run `npm run dev` without --empty')
  document.getElementById('as-of').textContent =
    `Snapshot of ${newest.snapshot_date.slice(0, 10)}, 00:00 UTC; it describes the day before`
  showTiles(newest.metrics)
  const oldestFirst = snapshots.toReversed()
  chart('chart-mrr', oldestFirst, [['MRR', 'mrr', '#0b9e78']])
  chart('chart-users', oldestFirst, [
    ['DAU', 'dau', '#2f6fde'],
    ['MAU', 'mau', '#8a5bd6'],
  ])
  chart('chart-subscriptions', oldestFirst, [['Subscriptions', 'active_subscriptions', '#c27a12']])
  chart('chart-churn', oldestFirst, [['Churn', 'churn_rate', '#c2413b']])
  document.body.dataset.state = 'ready'
} catch (error) {
  const status = document.getElementById('as-of')
  status.className = 'failed'
  status.textContent = `The numbers could not be read: ${error.message}`
  document.body.dataset.state = 'failed'
}
