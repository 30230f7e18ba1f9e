import { User } from '@countersign/auth'
import { wrap } from '@mikro-orm/core'
import { describe, expect, it } from 'vitest'
import { places, unlimited } from '../support/auth-systems.js'
import { password } from '../support/password-journeys.js'
import { twoFactorJourneys } from '../support/two-factor-journeys.js'

for (const { name, here, make } of places) {
  describe.runIf(here)(`what a login answers on ${name}`, () => {
    const on = twoFactorJourneys(make, { limits: unlimited, usernames: true })

    it('says the same of the account at every door, moments in ISO 8601', async () => {
      const { id, secret } = await on.secured('doors@example.org')
      const verified = await on.verified('doors@example.org', on.code(secret))
      await on.sql('delete from auth_second_factor where user_id = ?', [id])
      const body = { email: 'doors@example.org', password }
      const [byCookie, bearer] = [
        await on.client().post('/api/auth/login', body),
        await on.client().post('/api/auth/token', body),
      ]
      expect(verified.json.user).toMatchObject({ id, created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) })
      expect([byCookie.json.user, bearer.json.user]).toEqual([verified.json.user, verified.json.user])
    })

    it('comes from an account that was found as MikroORM finds it, every property of it', async () => {
      const { id } = await on.account('found@example.org')
      await on.sql("update auth_user set username = 'Found', username_canonical = 'found' where id = ?", [id])
      await on.session('found@example.org')
      const { accounts, orm } = on.system.auth.services
      const entity = wrap(await orm.em.fork().findOneOrFail(User, { id })).toPOJO()
      expect(entity).toMatchObject({ createdAt: expect.any(Date), lastLoginAt: expect.any(Date), disabledAt: null })
      for (const typed of ['Found@Example.org', 'FOUND'])
        expect(await accounts.authenticate({ email: typed, password, device: null })).toEqual({
          ...entity,
          hasSecondFactor: false,
        })
    })
  })
}
