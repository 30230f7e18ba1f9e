import { setTimeout as wait } from 'node:timers/promises'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import { describe, expect, it } from 'vitest'
import { places, unlimited } from '../support/auth-systems.js'
import { password } from '../support/password-journeys.js'
import { claimsOf, sessionJourneys } from '../support/session-journeys.js'
import { twoFactorJourneys } from '../support/two-factor-journeys.js'

const chosen = 'a sentence that is easy to keep'

for (const { name, here, make } of places) {
  describe.runIf(here)(`what ends when a second factor changes on ${name}`, () => {
    const on = twoFactorJourneys(make)

    it.each(['switched on', 'switched off', 'given new codes'])(
      'is a change of the address and a reset that wait, when it is %s',
      async (how) => {
        const email = `${how.replaceAll(' ', '-')}@example.org`
        const secured = how === 'switched on' ? null : await on.secured(email)
        if (!secured) await on.account(email)
        const client = secured?.client ?? (await on.session(email))
        await client.post('/api/auth/change-email', { new_email: `new-${email}`, password })
        const [confirmation, reset] = [await on.client().mailedToken(`new-${email}`), await on.resetToken(email)]
        const changed = await change(client, secured?.secret)
        expect(changed.status).toBe(200)
        const confirmed = await on.client().post('/api/auth/change-email-confirm', { token: confirmation })
        expect([confirmed.json.code, (await on.confirm(reset, chosen)).json.code]).toEqual(
          Array(2).fill('invalid_token'),
        )
        expect(await on.isIn(client)).toBe(true)

        async function change(by: typeof client, known: string | undefined) {
          if (how === 'given new codes') return by.post('/api/auth/2fa/backup-codes', { password })
          if (known) return by.post('/api/auth/2fa/disable', { password, code: on.code(known) })
          const { secret } = (await by.post('/api/auth/2fa/setup')).json
          return by.post('/api/auth/2fa/enable', { code: on.code(secret) })
        }
      },
    )
  })

  describe.runIf(here)(`an address that is taken back on ${name}`, () => {
    const on = twoFactorJourneys(make)

    // EML-09
    it.each(['before the change', 'by the thief'])(
      'keeps the second factor of its owner, and not one of a thief: switched on %s',
      async (when) => {
        const [email, thief] = [
          `${when.replaceAll(' ', '-')}@example.org`,
          `new-${when.replaceAll(' ', '-')}@example.org`,
        ]
        const owner = when === 'by the thief' ? null : await on.secured(email)
        if (!owner) await on.account(email)
        await (owner?.client ?? (await on.session(email))).post('/api/auth/change-email', {
          new_email: thief,
          password,
        })
        const back = await on.client().mailedToken(email)
        const token = await on.client().mailedToken(thief)
        expect((await on.client().post('/api/auth/change-email-confirm', { token })).status).toBe(200)
        if (!owner) {
          const client = await on.session(thief)
          const { secret } = (await client.post('/api/auth/2fa/setup', { password })).json
          expect((await client.post('/api/auth/2fa/enable', { code: on.code(secret) })).status).toBe(200)
        }
        expect((await on.client().post('/api/auth/change-email-undo', { token: back })).status).toBe(200)
        expect((await on.confirm(await on.client().mailedToken(email), chosen)).status).toBe(200)
        const { json } = await on.client().post('/api/auth/login', { email, password: chosen })
        expect(json.requires_2fa === true).toBe(owner !== null)
      },
    )
  })

  // The embedded database has one connection: nothing happens there at the same time.
  describe.runIf(here && name === 'PostgreSQL')('an exchange while the password is changed', () => {
    const on = sessionJourneys(make, { limits: unlimited })

    // RFT-09
    it('leaves whoever copied the token nothing, and the session to its owner', async () => {
      const { email } = await on.account('copied@example.org')
      const { access, refresh } = await on.tokens(email)
      const held = on.system.auth.database.orm.em.fork()
      await held.begin()
      await (held as SqlEntityManager).execute('select from auth_session where id = ? for update', [
        claimsOf(access).sid,
      ])
      const copied = on.refresh(refresh)
      await wait(300)
      const body = { current_password: password, password: chosen, confirm_password: chosen }
      const changed = on.client().post('/api/auth/change-password', body, { authorization: `Bearer ${access}` })
      await wait(700)
      await held.commit()
      const [theirs, own] = [await copied, (await changed).json]
      // Whichever of the two the database lets go first.
      if (theirs.status === 200) {
        const { access: copiedAccess, refresh: copiedRefresh } = theirs.json
        expect([await on.status(copiedAccess), (await on.refresh(copiedRefresh)).status]).toEqual([401, 401])
      } else expect(theirs.status).toBe(401)
      expect([await on.status(own.access), (await on.refresh(own.refresh)).status]).toEqual([200, 200])
    })
  })
}
