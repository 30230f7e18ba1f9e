import assert from 'node:assert/strict'
import { mikroOrmReader } from '@countersign/adapters/mikro-orm'
import pg from 'pg'
import { ownDatabase } from './own-database.js'
import { actorOf, addressOf, eventOf, fill } from './query-rows.js'
import { median, short, spread } from './rounds.js'
import { storeAt } from './writer-stores.js'

const rows = Number(process.env.QUERY_ROWS ?? 10_000_000)
const backend = `PostgreSQL, ${rows === 10_000_000 ? '10 million' : rows.toLocaleString('en')} rows`
const perPage = 50
const deep = 1000
const rounds = 20
const ranks = Array.from({ length: 12 }, (_, index) => index + 1)
const day = 86_400_000

/** What is asked for, with a dozen values each, and the same condition for whoever pages by OFFSET. */
const subjects = {
  'an actor': ranks.map((rank) => asked({ actorId: actorOf(rank) }, 'actor_id = $1')),
  'an event': ranks.map((rank) => asked({ event: eventOf(rank * 2) }, 'event = $1')),
  'a time range': ranks.map((rank) => rangeBefore(rank * 20)),
  'an address': ranks.map((rank) => asked({ address: addressOf(rank) }, 'address = $1::inet')),
  'an actor without rows': ranks.map((rank) => asked({ actorId: `nobody-${rank}` }, 'actor_id = $1')),
}

function asked(query, condition) {
  return { query, condition, values: Object.values(query) }
}

/** Two months that end so many days ago. */
function rangeBefore(days) {
  const to = new Date(Date.now() - days * day)
  const from = new Date(to.getTime() - 60 * day)
  const range = 'id >= audit_first_id($1) and id < audit_first_id($2)'
  return { query: { from, to }, condition: range, values: [from, to] }
}

/**
 * The first page and the thousandth of what people look for, in a store of a year: the time that the
 * database takes for the reader's own statement, and what the reader waits for. Each page was looked at
 * before it is measured; what the first look took is told, too, and what OFFSET takes for the same page.
 */
export async function query(report) {
  const database = await ownDatabase()
  if (!database) {
    report.unmeasured('query: no PostgreSQL server is reachable at TEST_DATABASE_URL; its limits were not measured.')
    return
  }
  try {
    await measureIn(database.url, (figure) => report({ bench: 'query', backend, ...figure }))
  } finally {
    await database.drop()
  }
}

async function measureIn(url, report) {
  const orm = await storeAt(url)
  try {
    await fill(url, rows)
    const bench = await benchOver(orm, url)
    await measure(report, bench).finally(bench.close)
  } finally {
    await orm.close()
  }
}

/** A reader whose statements are known, and a connection to have them explained on. */
async function benchOver(orm, url) {
  const sent = []
  class Client extends pg.Client {
    query(...args) {
      if (args[0]?.text) sent.push(args[0])
      return super.query(...args)
    }
  }
  orm.config.set('driverOptions', { Client })
  const reader = mikroOrmReader(orm)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return {
    reader,
    sent,
    client,
    explain: explainedOn(client),
    async close() {
      await reader.close()
      await client.end()
    },
  }
}

/** Milliseconds in the database; a statement with a name is prepared once, as the driver does. */
function explainedOn(client) {
  const prepared = new Map()
  return async ({ name, text, values }) => {
    if (!prepared.has(name)) {
      prepared.set(name, `kept_${prepared.size}`)
      await client.query(`prepare ${prepared.get(name)} as ${text}`)
    }
    const parameters = values.map((value) => pg.escapeLiteral(String(value))).join(', ')
    const { rows: told } = await client.query(
      `explain (analyze, timing off, format json) execute ${prepared.get(name)} (${parameters})`,
    )
    return timeOf(told)
  }
}

function timeOf([{ 'QUERY PLAN': plans }]) {
  const [{ 'Planning Time': planning, 'Execution Time': running }] = plans
  return planning + running
}

async function measure(report, bench) {
  const asked = []
  for (const [subject, choices] of Object.entries(subjects)) {
    for (const choice of choices) asked.push({ subject, ...choice, cursor: await cursorOf(bench.client, choice) })
  }
  const looks = []
  for (let round = 0; round <= rounds; round++) {
    for (const choice of asked) {
      looks.push({ round, ...choice, page: 1, ...(await look(bench, choice.query)) })
      if (choice.cursor === undefined) continue
      const { query, cursor } = choice
      looks.push({ round, ...choice, page: deep, ...(await look(bench, { ...query, cursor })) })
      if (round <= 2) looks.push({ round, ...choice, page: 'offset', ...(await lookByOffset(bench.client, choice)) })
    }
  }
  for (const subject of Object.keys(subjects)) {
    tell(report, subject, (page, from = 1) =>
      looks.filter((look) => look.subject === subject && look.page === page && look.round >= from),
    )
  }
}

/** The last id of the page before the deep one; undefined where there is no such page. */
async function cursorOf(client, { condition, values }) {
  const { rows: ids } = await client.query(
    `select id from audit_event where ${condition} order by id desc limit ${perPage + 1} offset ${(deep - 1) * perPage - 1}`,
    values,
  )
  return ids.length > perPage ? ids[0].id : undefined
}

async function look({ reader, sent, explain }, query) {
  const from = performance.now()
  const { items } = await reader.find(query)
  const trip = performance.now() - from
  const full = query.cursor !== undefined
  assert.ok(!full || (items.length === perPage && items.every(({ id }) => id < query.cursor)), 'the page is there')
  return { trip, database: await explain(sent.at(-1)) }
}

async function lookByOffset(client, { condition, values }) {
  const { rows: told } = await client.query(
    `explain (analyze, timing off, format json)
     select * from audit_event where ${condition} order by id desc limit ${perPage} offset ${(deep - 1) * perPage}`,
    values,
  )
  return { database: timeOf(told) }
}

function tell(report, subject, looksAt) {
  for (const page of [1, deep]) {
    const [seen, first] = [looksAt(page), looksAt(page, 0).filter(({ round }) => round === 0)]
    if (seen.length === 0) continue
    const figure = `${subject}, page ${page.toLocaleString('en')}`
    const times = (all, name) => all.map((look) => look[name])
    report({ ...percentile(times(seen, 'database')), figure: `${figure}: p95 in the database`, atMost: 5 })
    report({ ...percentile(times(seen, 'trip')), figure: `${figure}: p95, there and back` })
    report({ ...percentile(times(first, 'database')), figure: `${figure}: p95 of first looks` })
  }
  const offset = looksAt('offset')
  if (offset.length === 0) return
  const figure = `${subject}, page ${deep.toLocaleString('en')}`
  report({ ...percentile(offset.map(({ database }) => database)), figure: `${figure} by OFFSET: p95` })
  const ratios = Array.from({ length: rounds }, (_, round) => {
    const middle = (page) =>
      median(
        looksAt(page)
          .filter((look) => look.round === round + 1)
          .map(({ database }) => database),
      )
    return middle(deep) / middle(1)
  })
  report({ figure: `${figure} / page 1`, value: median(ratios), unit: 'ratio', spread: spread(ratios), atMost: 1.5 })
}

function percentile(times) {
  const sorted = [...times].sort((a, b) => a - b)
  return { value: sorted[Math.ceil(sorted.length * 0.95) - 1], unit: 'ms', spread: `p50 ${short(median(sorted))}` }
}
