import { openDatabase } from '@countersign/auth'
import { afterEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, secret, unlimited } from '../support/auth-systems.js'
import { codeOfStep, stepAt } from '../support/authenticator.js'
import { postgresAvailable } from '../support/databases.js'
import { password } from '../support/password-journeys.js'
import { redisInstalled, redisServer } from '../support/redis.js'
import { killShared, startShared } from '../support/shared-systems.js'

const closing: Array<() => unknown> = []
afterEach(async () => {
  await killShared()
  for (const close of closing.splice(0).reverse()) await close()
})

const postgres = await postgresAvailable()
const shared = places.find(({ name }) => name === 'PostgreSQL') as (typeof places)[number]
const ownRedis = async () => {
  const server = await redisServer()
  closing.push(server.kill)
  return server.url
}
const states = [
  { title: 'logins wait in the database', here: postgres, redis: async () => undefined },
  { title: 'logins wait in Redis', here: postgres && redisInstalled(), redis: ownRedis },
].filter(({ here }) => here)

interface Waiting {
  readonly cookie: string
  readonly token: string
}

/** Two processes on one PostgreSQL, and an account with a second factor. */
class TwoProcesses {
  readonly #clients: AuthClient[]
  #secret = ''
  codes: string[] = []

  constructor(urls: string[]) {
    this.#clients = urls.map((url) => new AuthClient(url))
  }

  async secure(email: string): Promise<void> {
    const client = this.#clients[0] as AuthClient
    await client.signUpAndVerify(email, password)
    await client.post('/api/auth/login', { email, password })
    this.#secret = (await client.post('/api/auth/2fa/setup')).json.secret
    const code = codeOfStep(this.#secret, stepAt() - 1)
    this.codes = (await client.post('/api/auth/2fa/enable', { code })).json.backup_codes
  }

  /** What the authenticator shows next: a code of a later step than the one that the factor was confirmed by. */
  code(): string {
    return codeOfStep(this.#secret, stepAt() + 1)
  }

  async waiting(email: string): Promise<Waiting> {
    const client = new AuthClient(this.#clients[0]?.base ?? '')
    const { json } = await client.post('/api/auth/login', { email, password })
    return { cookie: `2fa=${client.cookies.get('2fa')}`, token: json.session_token }
  }

  /** Brings a code to every login at the same time, to one process and the other in turn; the statuses. */
  async verifyAll(logins: Waiting[], code: (index: number) => string | undefined): Promise<number[]> {
    const answers = logins.map(({ cookie, token }, index) => {
      const client = new AuthClient(this.#clients[index % 2]?.base ?? '')
      return client.post('/api/auth/2fa/verify-login', { session_token: token, code: code(index) }, { cookie })
    })
    return (await Promise.all(answers)).map(({ status }) => status)
  }
}

const rounds = 25
const successes = (statuses: number[]): number => statuses.filter((status) => status === 200).length
// Who fails nineteen times at once would be locked, and a login that failed five times be over.
const twoFactor = { attempts: 20, failures: { most: 100, inARow: 100 }, backupCodes: 50 }

describe.each(states)('twenty completions of logins at two processes, where $title', ({ redis }) => {
  it('succeed once for a time step, once for a backup code and once for a login', async () => {
    const { database, drop } = await shared.make()
    closing.push(drop)
    const settings = { database, secret, publicUrl: 'http://127.0.0.1:3000', limits: unlimited, twoFactor }
    const redisUrl = await redis()
    const urls = []
    for (const _ of [1, 2]) urls.push((await startShared(settings, redisUrl)).url)
    const processes = new TwoProcesses(urls)
    const { orm, close } = await openDatabase(database)
    closing.push(close)
    const sql = (statement: string) => orm.em.getDriver().getConnection().execute(statement)

    /** Twenty logins of an account bring their codes at once, again and again; those that failed are tried again. */
    async function race(email: string, codeOf: (round: number, index: number) => string | undefined): Promise<void> {
      await processes.secure(email)
      let logins: Waiting[] = []
      for (let round = 0; round < rounds; round++) {
        while (logins.length < 20) logins.push(await processes.waiting(email))
        await sql('update auth_second_factor set last_step = null, failures = 0, failures_in_a_row = 0')
        const statuses = await processes.verifyAll(logins, (index) => codeOf(round, index))
        expect([round, successes(statuses)]).toEqual([round, 1])
        logins = logins.filter((_, index) => statuses[index] !== 200)
      }
    }

    // MFA-03
    await race('step@example.org', () => processes.code())
    // BKP-02
    await race('code@example.org', (round) => processes.codes[round])
    await processes.secure('login@example.org')
    for (let round = 0; round < rounds; round++) {
      await sql('update auth_second_factor set failures = 0, failures_in_a_row = 0')
      await sql('update auth_backup_code set used_at = null')
      const login = await processes.waiting('login@example.org')
      const statuses = await processes.verifyAll(Array<Waiting>(20).fill(login), (index) => processes.codes[index])
      expect([round, successes(statuses)]).toEqual([round, 1])
    }
  }, 240_000)
})

describe.runIf(redisInstalled())('a login with a second factor whose Redis is away', () => {
  it('is refused with 503, begun or completed, and goes on when it is back', async () => {
    const { database, drop } = await (places[0] as (typeof places)[number]).make()
    const server = await redisServer()
    closing.push(server.kill, drop)
    const settings = { database, secret, publicUrl: 'http://127.0.0.1:3000', limits: unlimited }
    const { url, stop } = await startShared(settings, server.url)
    const processes = new TwoProcesses([url, url])
    await processes.secure('ada@example.org')
    await new AuthClient(url).signUpAndVerify('bob@example.org', password)
    const one = await processes.waiting('ada@example.org')
    const login = (email: string) => new AuthClient(url).post('/api/auth/login', { email, password })
    server.pause()
    expect(await processes.verifyAll([one], () => processes.codes[0])).toEqual([503])
    const begun = await login('ada@example.org')
    expect([begun.status, begun.json.code, begun.headers.getSetCookie()]).toEqual([503, 'unavailable', []])
    // Without a second factor nothing waits.
    expect((await login('bob@example.org')).status).toBe(200)
    server.resume()
    await expect.poll(async () => (await login('ada@example.org')).status).toBe(200)
    expect(await processes.verifyAll([one], () => processes.codes[0])).toEqual([200])
    await stop()
  }, 120_000)
})
