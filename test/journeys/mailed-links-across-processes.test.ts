import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, AuthClient } from '../support/auth-client.js'
import { places, secret, unlimited } from '../support/auth-systems.js'
import { postgresAvailable } from '../support/databases.js'
import { password } from '../support/password-journeys.js'
import { killShared, type SharedSystem, startShared } from '../support/shared-systems.js'

const shared = places.find(({ name }) => name === 'PostgreSQL') as (typeof places)[number]
const rounds = Array.from({ length: 25 }, (_, round) => round)
const patience = { timeout: 120_000 }

describe.runIf(await postgresAvailable())('a mailed link that twenty use at once, at two processes', () => {
  const servers: SharedSystem[] = []
  let made: Awaited<ReturnType<typeof shared.make>>

  beforeAll(async () => {
    made = await shared.make()
    const settings = { database: made.database, secret, publicUrl: 'http://127.0.0.1:3000', limits: unlimited }
    for (const _ of [1, 2]) servers.push(await startShared(settings))
  })
  afterAll(async () => {
    await killShared()
    await made.drop()
  })

  const client = (index = 0) => new AuthClient(servers[index % 2]?.url ?? '')
  /** Uses it twenty times, and returns the one that succeeded. */
  async function useAtOnce(path: string, bodyOf: (index: number) => object): Promise<number> {
    const uses = Array.from({ length: 20 }, (_, index) => client(index).post(`/api/auth/${path}`, bodyOf(index)))
    const statuses = (await Promise.all(uses)).map(({ status }: Answer) => status)
    expect(statuses.toSorted()).toEqual([200, ...Array<number>(19).fill(400)])
    return statuses.indexOf(200)
  }

  // REG-09
  it('verifies an account once', patience, async () => {
    for (const round of rounds) {
      const email = `verified-${round}@example.org`
      await client().post('/api/auth/signup', { email, password, confirm_password: password })
      const token = await client().mailedToken(email)
      await useAtOnce('verify-account', () => ({ token }))
    }
  })

  // RST-02
  it('resets a password once, to that of the one that succeeded', patience, async () => {
    const email = 'reset@example.org'
    await client().signUpAndVerify(email, password)
    for (const round of rounds) {
      await client().post('/api/auth/password-reset', { email })
      const token = await client().mailedToken(email)
      const chosen = (index: number) => `a sentence of round ${round} by ${index}`
      const winner = await useAtOnce('password-reset-confirm', (index) => {
        return { token, password: chosen(index), confirm_password: chosen(index) }
      })
      const login = async (index: number) =>
        (await client(index).post('/api/auth/login', { email, password: chosen(index) })).status
      expect([await login(winner), await login((winner + 1) % 20)]).toEqual([200, 401])
    }
  })

  // EML-07
  it('changes an address once', patience, async () => {
    let email = 'first@example.org'
    await client().signUpAndVerify(email, password)
    for (const round of rounds) {
      const browser = client(round)
      await browser.post('/api/auth/login', { email, password })
      const new_email = `address-${round}@example.org`
      expect((await browser.post('/api/auth/change-email', { new_email, password })).status).toBe(202)
      const token = await client().mailedToken(new_email)
      await useAtOnce('change-email-confirm', () => ({ token }))
      email = new_email
    }
  })
})
