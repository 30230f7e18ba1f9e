import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { createAuthServer, defaultLimits } from '@countersign/auth'
import { hash, verify } from '@node-rs/argon2'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import pg from 'pg'

// One of the systems, over HTTP, with a few accounts that can log in.
const { system, hashing, url } = JSON.parse(process.argv[2])
const accounts = 16
const password = 'a sentence that nobody guesses'
const secret = 'VQ5mW0r8kZcT1xN7yLpD3sGhJ9fBaE6u'
const emailOf = (number) => `ada${number}@example.org`
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

const hashers = {
  argon2id: { hash: (text) => hash(text, cost), verify: (passwordHash, text) => verify(passwordHash, text) },
  nothing: { hash: async (text) => `plain:${text}`, verify: async (kept, text) => kept === `plain:${text}` },
  defaults: null,
}
const hasher = hashers[hashing]

const systems = { countersign, 'better-auth': peer, bare }
const { handler, login, session, cpuOfRows } = await systems[system]()
const server = createServer(handler).listen(0, '127.0.0.1', () => {
  const requests = Array.from({ length: accounts }, (_, number) => login(emailOf(number)))
  process.send?.({ port: server.address().port, requests, session })
})
process.on('message', async (question) => {
  if (question === 'cpu') process.send?.(process.cpuUsage())
  if (question === 'rows') process.send?.(await cpuOfRows())
})

async function countersign() {
  const auth = await createAuthServer({
    database: { url },
    secret,
    publicUrl: 'http://127.0.0.1:3000',
    lockouts: { account: null, address: null },
    limits: Object.fromEntries(Object.keys(defaultLimits).map((scope) => [scope, null])),
    ...(hasher ? { passwordHasher: { ...hasher, needsRehash: () => false } } : {}),
  })
  const { accounts: service } = auth.services
  for (let number = 0; number < accounts; number++) await service.ensureAdmin(emailOf(number), password)
  return {
    handler: auth.app,
    login: (email) => ({ method: 'POST', path: '/api/auth/login', body: JSON.stringify({ email, password }) }),
    session: { method: 'GET', path: '/api/auth/csrf' },
    cpuOfRows: () => cpuOfRowsOf(auth.trail),
  }
}

/** What a login's row costs this process, in microseconds: recorded as logins are, several at a time. */
async function cpuOfRowsOf(trail) {
  const [rows, atOnce] = [4000, 32]
  const actor = { type: 'user', id: '018cd6eb-6400-7000-8000-000000000000', label: 'ada@example.org' }
  const record = () => trail.record('login', { actor, subject: actor, attempted: 'ada@example.org' })
  for (let count = 0; count < 500; count++) await record()
  const before = process.cpuUsage()
  for (let left = rows; left > 0; left -= atOnce) await Promise.all(Array.from({ length: atOnce }, record))
  const { user, system: kernel } = process.cpuUsage(before)
  return (user + kernel) / rows
}

async function peer() {
  const auth = betterAuth({
    database: new pg.Pool({ connectionString: url }),
    secret,
    baseURL: 'http://127.0.0.1:3000',
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    emailAndPassword: {
      enabled: true,
      ...(hasher
        ? { password: { hash: hasher.hash, verify: (given) => hasher.verify(given.hash, given.password) } }
        : {}),
    },
  })
  await (await getMigrations(auth.options)).runMigrations()
  for (let number = 0; number < accounts; number++)
    await auth.api.signUpEmail({ body: { email: emailOf(number), password, name: 'Ada Lovelace' } })
  return {
    handler: toNodeHandler(auth),
    login: (email) => ({
      method: 'POST',
      path: '/api/auth/sign-in/email',
      headers: { Origin: 'http://127.0.0.1:3000' },
      body: JSON.stringify({ email, password }),
    }),
    session: { method: 'GET', path: '/api/auth/get-session' },
    cpuOfRows: async () => 0,
  }
}

/** What no system can do without: HTTP, the hash, one row. */
async function bare() {
  const pool = new pg.Pool({ connectionString: url, max: 1, pipeline: true })
  await pool.query('create table sign_in (id text primary key, email text not null)')
  const client = await pool.connect()
  const kept = await hasher.hash(password)
  const insert = (email) =>
    client.query({ name: 'sign-in', text: 'insert into sign_in values ($1, $2)', values: [randomUUID(), email] })
  async function handler(request, response) {
    const { email, password: typed } = await json(request)
    const right = await hasher.verify(kept, typed)
    if (right) await insert(email)
    response.writeHead(right ? 200 : 401, { 'content-length': 0 }).end()
  }
  return {
    handler,
    login: (email) => ({ method: 'POST', path: '/', body: JSON.stringify({ email, password }) }),
    session: null,
    cpuOfRows: async () => 0,
  }
}
