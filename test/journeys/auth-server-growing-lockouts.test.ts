import { describe, expect, it } from 'vitest'
import { places, unlimited } from '../support/auth-systems.js'
import { password, passwordJourneys } from '../support/password-journeys.js'

const wrong = 'some other horse battery staple'

for (const { name, here, make } of places) {
  // THR-16
  describe.runIf(here)(`a lockout after a lockout on ${name}`, () => {
    const grown = passwordJourneys(make, { limits: unlimited, lockouts: { address: null } })
    const shared = passwordJourneys(make, { limits: unlimited, lockouts: { address: { failures: 5, duration: 60 } } })

    /** Fails until it is locked; returns for how many seconds. */
    const lock = async (journeys: typeof grown, email: string): Promise<number> => {
      for (let failure = 0; failure < 5; failure++) expect(await journeys.login(email, wrong)).toBe(401)
      const { status, headers } = await journeys.client().post('/api/auth/login', { email, password })
      expect(status).toBe(429)
      return Number(headers.get('retry-after'))
    }
    const endLocks = (journeys: typeof grown, ago = '1 second') =>
      journeys.sql(`update auth_lockout set locked_until = now() - interval '${ago}' where locked_until is not null`)
    const seconds = (expected: number) => expect.toSatisfy((s: number) => s <= expected && s > expected - 20)

    it('lasts twice as long as the one before, up to four times the first, known or not', async () => {
      const { email } = await grown.account('grown@example.org')
      const rows = await grown.rowsOf(async () => {
        for (const expected of [900, 1800, 3600, 3600]) {
          expect(await lock(grown, email)).toEqual(seconds(expected))
          expect(await lock(grown, 'nobody@example.org')).toEqual(seconds(expected))
          await endLocks(grown)
        }
      })
      const starts = rows.filter(({ event, subject }) => event === 'lockout_start' && subject !== null)
      const lasting = starts.map(({ occurredAt, details }) => {
        return (Date.parse((details as { until: string }).until) - occurredAt.getTime()) / 1000
      })
      expect(lasting).toEqual([900, 1800, 3600, 3600].map(seconds))
      expect(new Set(starts.map(({ details }) => (details as { lock: string }).lock)).size).toBe(4)
      const told = (await grown.mails())
        .filter(({ to }) => to === email)
        .map(({ text }) => /For (\d+) min/.exec(text)?.[1])
      expect(told.filter(Boolean).reverse()).toEqual(['15', '30', '60', '60'])
    })

    it('is as long as the first one again after a success', async () => {
      const { email } = await grown.account('forgiven@example.org')
      expect(await lock(grown, email)).toEqual(seconds(900))
      await endLocks(grown)
      expect(await grown.login(email, password)).toBe(200)
      expect(await lock(grown, email)).toEqual(seconds(900))
    })

    it('is longer than the one before after a success on a known device, which forgives its own count', async () => {
      const { email } = await grown.account('besieged@example.org')
      const known = await grown.session(email)
      expect(await lock(grown, email)).toEqual(seconds(900))
      await endLocks(grown)
      expect((await known.post('/api/auth/login', { email, password })).status).toBe(200)
      expect(await lock(grown, email)).toEqual(seconds(1800))
    })

    it('is longer than the one before while each window of failures begins within a day of the last', async () => {
      const email = 'patience@example.org'
      expect(await lock(grown, email)).toEqual(seconds(900))
      await endLocks(grown, '23 hours')
      for (let day = 0; day < 2; day++) {
        expect(await grown.login(email, wrong)).toBe(401)
        await grown.sql("update auth_lockout set since = since - interval '23 hours' where locked_until is null")
      }
      expect(await lock(grown, email)).toEqual(seconds(1800))
    })

    it('is as long as the first one again a day after the last one ended, and not before', async () => {
      const email = 'patient@example.org'
      const { lockouts } = grown.system.auth.services
      expect(await lock(grown, email)).toEqual(seconds(900))
      await endLocks(grown, '23 hours')
      await lockouts.sweep()
      expect(await lock(grown, email)).toEqual(seconds(1800))
      await endLocks(grown, '25 hours')
      expect(await lock(grown, email)).toEqual(seconds(900))
      await endLocks(grown, '25 hours')
      await lockouts.sweep()
      expect(await grown.sql("select 1 from auth_lockout where since < now() - interval '1 day'")).toEqual([])
    })

    it('of an address is as long as the first: those who share it can not help it', async () => {
      for (let time = 0; time < 3; time++) {
        for (let failure = 0; failure < 5; failure++)
          expect(await shared.login(`from-here-${time}-${failure}@example.org`, wrong)).toBe(401)
        const { headers } = await shared.client().post('/api/auth/login', { email: 'last@example.org', password })
        expect(Number(headers.get('retry-after'))).toEqual(seconds(60))
        await endLocks(shared)
      }
    })
  })
}
