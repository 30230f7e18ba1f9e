import { describe, expect, it } from 'vitest'
import { places, unlimited } from '../support/auth-systems.js'
import { passwordJourneys } from '../support/password-journeys.js'

const plain = {
  hash: async (password: string) => `plain:${password}`,
  verify: async (hash: string, password: string) => hash === `plain:${password}`,
  needsRehash: () => false,
}

for (const { name, here, make } of places) {
  describe.runIf(here)(`many logins at once on ${name}`, () => {
    const lockouts = { account: null, address: null }
    const on = passwordJourneys(make, { limits: unlimited, lockouts, passwordHasher: plain })

    // AUD-12, AUD-13
    it('leave a row each, in the order of their time, whoever got in', async () => {
      const { email, id } = await on.account('many@example.org')
      const begun = Date.now()
      const rows = await on.rowsOf(async () => {
        const statuses = await Promise.all(
          Array.from({ length: 200 }, (_, index) =>
            on.login(email, index % 2 === 0 ? 'correct horse battery staple' : 'wrong'),
          ),
        )
        expect(statuses.filter((status) => status === 200)).toHaveLength(100)
        expect(statuses.filter((status) => status === 401)).toHaveLength(100)
      })
      expect(rows).toHaveLength(200)
      expect(rows.every(({ event, subject }) => event === 'login' && subject?.id === id)).toBe(true)
      expect(rows.map(({ id }) => id)).toEqual(rows.map(({ id }) => id).sort())
      expect(rows.every(({ occurredAt }) => occurredAt.getTime() >= begun && occurredAt.getTime() <= Date.now())).toBe(
        true,
      )
    }, 60_000)
  })
}
