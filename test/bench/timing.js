import { createServer } from 'node:http'
import { createAuthServer, defaultLimits } from '@countersign/auth'
import { ownDatabase } from './own-database.js'
import { median } from './rounds.js'

const samples = 200
const dropped = 20
const password = 'a sentence that nobody guesses'
const wrong = 'a sentence that somebody guessed'

const subjects = {
  'a login with a wrong password': (email) => ['login', { email, password: wrong }],
  'a sign-up': (email) => ['signup', { email, password, confirm_password: password }],
  'a request for a reset': (email) => ['password-reset', { email }],
  'a request for a verification mail': (email) => ['verify-account/resend', { email }],
}

/**
 * How much the time of an answer tells of whether there is an account: the difference of the medians of two hundred
 * requests each, one after the other in turns, where they differ at all (Mann-Whitney, p < 0.01).
 *
 * @param {(figure: object) => void} report
 */
export async function timing(report) {
  const database = await ownDatabase()
  if (!database) {
    report.unmeasured('timing: no PostgreSQL server is reachable at TEST_DATABASE_URL.')
    return
  }
  const auth = await createAuthServer({
    database: { url: database.url },
    secret: 'VQ5mW0r8kZcT1xN7yLpD3sGhJ9fBaE6u',
    publicUrl: 'http://127.0.0.1:3000',
    limits: Object.fromEntries(Object.keys(defaultLimits).map((scope) => [scope, null])),
    lockouts: { account: null, address: null },
  })
  const server = createServer(auth.app).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const url = `http://127.0.0.1:${server.address().port}/api/auth/`
  await auth.services.accounts.ensureAdmin('known@example.org', password)
  for (const [subject, requestOf] of Object.entries(subjects)) await compare(report, { url, subject, requestOf })
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await auth.close()
  await database.drop()
}

async function compare(report, { url, subject, requestOf }) {
  const [known, unknown] = [[], []]
  for (let sample = 0; sample < samples + dropped; sample++) {
    const one = async () => known.push(await timeOf(url, requestOf('known@example.org')))
    const other = async () => unknown.push(await timeOf(url, requestOf(`${sample}-${subject.length}@example.org`)))
    // In turns, also of who is first: what is slow at times is slow for both.
    for (const take of sample % 2 ? [one, other] : [other, one]) await take()
  }
  const kept = [known.slice(dropped), unknown.slice(dropped)]
  const difference = Math.abs(median(kept[0]) - median(kept[1]))
  report({
    ...{ bench: 'timing', backend: 'PostgreSQL', unit: 'ms', atMost: 5 },
    ...{ figure: `${subject}, known and unknown address`, value: differs(...kept) ? difference : 0 },
    spread: `medians ${median(kept[0]).toFixed(1)} and ${median(kept[1]).toFixed(1)} ms`,
  })
}

async function timeOf(url, [path, body]) {
  const started = performance.now()
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  await response.arrayBuffer()
  return performance.now() - started
}

/** Mann-Whitney's test by its normal approximation: whether p < 0.01. */
function differs(ones, others) {
  const ranked = [...ones.map((value) => [value, 1]), ...others.map((value) => [value, 0])].sort(([a], [b]) => a - b)
  const ranks = ranked.reduce((sum, [, isOne], rank) => sum + isOne * (rank + 1), 0)
  const [n, m] = [ones.length, others.length]
  const u = ranks - (n * (n + 1)) / 2
  return Math.abs(u - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12) > 2.576
}
