import { afterEach, describe, expect, it, vi } from 'vitest'
import { places } from '../support/auth-systems.js'
import { password, passwordJourneys } from '../support/password-journeys.js'

const chosen = 'a sentence that is easy to keep'
const hour = 3_600_000
const linkIn = (mail?: { text: string }): string => /token=([\w-]+)/.exec(mail?.text ?? '')?.[1] ?? ''

for (const { name, here, make } of places) {
  // The embedded database has the clock of its process.
  describe.runIf(here && name === 'PostgreSQL')(`a process whose clock is wrong, on ${name}`, () => {
    const on = passwordJourneys(make)
    const offBy = (milliseconds: number) =>
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + milliseconds, shouldAdvanceTime: false })
    afterEach(() => void vi.useRealTimers())

    // RST-03
    it.each([-2, 2])('mails links that live as long as others (%i hours)', async (hours) => {
      const { email } = await on.account(`clock${hours}@example.org`)
      offBy(hours * hour)
      const early = await on.resetToken(email)
      vi.useRealTimers()
      const [{ seconds } = { seconds: 0 }] = await on.sql<{ seconds: number }>(
        `select extract(epoch from max(expires_at) - now())::int as seconds
         from auth_one_time_token where purpose = 'password-reset' and used_at is null`,
      )
      expect([seconds > 1700, seconds <= 1800]).toEqual([true, true])
      expect((await on.confirm(early, chosen)).status).toBe(200)
    })

    // EML-09
    it('does not let a thief keep a link that takes the address back again', async () => {
      const { email } = await on.account('clocked@example.org')
      const client = await on.session(email)
      const post = async (path: string, token: string) =>
        (await on.client().post(`/api/auth/${path}`, { token })).status
      await client.post('/api/auth/change-email', { new_email: 'thief@example.org', password })
      const own = await on.client().mailedToken(email)
      await post('change-email-confirm', await on.client().mailedToken('thief@example.org'))
      const thief = await on.session('thief@example.org')
      offBy(-4000)
      await thief.post('/api/auth/change-email', { new_email: 'thief-2@example.org', password })
      vi.useRealTimers()
      const theirs = linkIn(
        (await on.mails()).find(({ to, subject }) => to === 'thief@example.org' && /about/.test(subject)),
      )
      expect([await post('change-email-undo', own), await post('change-email-undo', theirs)]).toEqual([200, 400])
    })
  })
}
