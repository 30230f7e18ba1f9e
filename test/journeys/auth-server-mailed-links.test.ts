import { describe, expect, it } from 'vitest'
import { places, unlimited } from '../support/auth-systems.js'
import { password, passwordJourneys } from '../support/password-journeys.js'

for (const { name, here, make } of places) {
  describe.runIf(here)(`the settings of mailed links on ${name}`, () => {
    const linkLifetimes = {
      'email-change': 120,
      'email-change-undo': 2 * 86_400,
      'password-reset': 600,
      'verify-account': 7200,
    }
    const on = passwordJourneys(make, { limits: unlimited, linkLifetimes })

    it('say how long they work, in the database and in the mails', async () => {
      const { id, email } = await on.account('settings@example.org')
      const client = await on.session(email)
      await client.post('/api/auth/change-email', { new_email: 'settings-new@example.org', password })
      await on.resetToken(email)
      const seconds = await on.sql(
        `select purpose, round(extract(epoch from expires_at - created_at))::int as seconds from auth_one_time_token
         where user_id = ? order by purpose`,
        [id],
      )
      expect(seconds).toEqual([
        { purpose: 'email-change', seconds: 120 },
        { purpose: 'email-change-undo', seconds: 172_800 },
        { purpose: 'password-reset', seconds: 600 },
        { purpose: 'verify-account', seconds: 7200 },
      ])
      const texts = (await on.mails()).map(({ text }) => text).join()
      for (const time of ['2 minutes', '2 days', '10 minutes']) expect(texts).toContain(time)
    })
  })
}
