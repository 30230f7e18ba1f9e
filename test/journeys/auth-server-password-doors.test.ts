import { describe, expect, it } from 'vitest'
import type { Answer, AuthClient } from '../support/auth-client.js'
import { places } from '../support/auth-systems.js'
import { password } from '../support/password-journeys.js'
import { submittedBodies } from '../support/submitted-bodies.js'
import { told, twoFactorJourneys } from '../support/two-factor-journeys.js'

const wrong = 'some other horse battery staple'
const next = { password: 'a sentence that is easy to keep', confirm_password: 'a sentence that is easy to keep' }

/** Tries a password at a door: as whoever is logged in, or at a login as anybody. */
type Knock = (client: AuthClient, typed: string, email: string) => Promise<Answer>

const to = (path: string, body: (typed: string, email: string) => object): [string, Knock] => [
  path,
  (client, typed, email) => client.post(`/api/auth/${path}`, body(typed, email)),
]

const loginDoors = [
  to('login', (typed, email) => ({ email, password: typed })),
  to('token', (typed, email) => ({ email, password: typed })),
]
const plainDoors = [
  to('change-password', (typed) => ({ current_password: typed, ...next })),
  to('change-email', (typed, email) => ({ new_email: `new-${email}`, password: typed })),
  to('2fa/setup', (typed) => ({ password: typed })),
]
const securedDoors = [
  to('2fa/disable', (typed) => ({ password: typed, code: '000000' })),
  to('2fa/backup-codes', (typed) => ({ password: typed })),
]
const doors = [...loginDoors, ...plainDoors, ...securedDoors]

// THR-19
it('the doors that are tried are all those that take the password in force', () => {
  const chosen = ['signup', 'password-reset-confirm']
  const taking = submittedBodies.filter(([, body]) => 'password' in body).map(([path]) => path)
  expect(doors.map(([path]) => path).sort()).toEqual(taking.filter((path) => !chosen.includes(path)).sort())
})

for (const { name, here, make } of places) {
  describe.runIf(here)(`the doors that take a password on ${name}`, () => {
    const on = twoFactorJourneys(make)
    const login = loginDoors[0]?.[1] as Knock

    /** Somebody who is logged in, on a device that nobody knows. */
    async function somebody(path: string): Promise<{ email: string; client: AuthClient }> {
      const email = `${path.replace(/\W/g, '-')}-${crypto.randomUUID()}@example.org`
      const isSecured = securedDoors.some(([door]) => door === path)
      const client = isSecured
        ? (await on.secured(email)).client
        : await on.account(email).then(() => on.session(email))
      client.cookies.delete('device')
      return { email, client }
    }
    async function fail(knock: Knock, client: AuthClient, email: string, times: number): Promise<void> {
      for (let time = 0; time < times; time++)
        expect(told(await knock(client, wrong, email))).toMatch(/^40[01] (?:invalid_credentials|wrong_password)$/)
    }

    it.each(doors)('share one count: failures at %s lock the login', async (path, knock) => {
      const { email, client } = await somebody(path)
      await fail(knock, client, email, 5)
      expect(told(await login(on.client(), password, email))).toBe('429 throttled')
      expect(told(await knock(client, password, email))).toBe('429 throttled')
    })

    it.each(doors)('share one count: failures at the login lock %s', async (path, knock) => {
      const { email, client } = await somebody(path)
      await fail(login, on.client(), email, 4)
      await fail(knock, client, email, 1)
      expect(told(await knock(client, password, email))).toBe('429 throttled')
      expect(told(await login(on.client(), password, email))).toBe('429 throttled')
    })

    it('give five guesses between them, however they are spread, and leave one lock', async () => {
      const { email, client } = await somebody('change-password')
      const rows = await on.rowsOf(async () => {
        for (const [, knock] of [...loginDoors, ...plainDoors]) await fail(knock, client, email, 1)
        for (const [path, knock] of [...loginDoors, ...plainDoors])
          expect([path, told(await knock(client, password, email))]).toEqual([path, '429 throttled'])
      })
      expect(rows.filter(({ event }) => event === 'lockout_start')).toHaveLength(1)
      expect(rows.filter(({ outcome, reason }) => outcome === 'denied' && reason === 'locked')).toHaveLength(5)
    })
  })
}
