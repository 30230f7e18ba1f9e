import { defaultLimits } from '@countersign/auth'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'
import { PasswordJourneys, password } from '../support/password-journeys.js'

for (const { name, here, make } of places) {
  describe.runIf(here)(`the limits of a sign-up on ${name}`, () => {
    let system: TestSystem
    let on: PasswordJourneys
    beforeAll(async () => {
      const { identifier } = defaultLimits.signup as { identifier: string }
      // Of the limits that a server has unless told, the one of a client is not what this is about.
      system = await startSystem(make, { limits: { ...unlimited, signup: { identifier } } })
      on = new PasswordJourneys(() => system)
    })
    afterAll(() => system.close())

    const signUp = (email: string) =>
      on.client().post('/api/auth/signup', { email, password, confirm_password: password })

    it('send one address three mails an hour, in any spelling, whether or not it is taken', async () => {
      await on.sql(
        `insert into auth_user (id, email, email_canonical, created_at, verified_at)
         values (gen_random_uuid(), 'taken@example.org', 'taken@example.org', now(), now())`,
      )
      for (const email of ['free@example.org', 'taken@example.org']) {
        const spellings = [email, ` ${email}`, email.toUpperCase(), email, ` ${email} `]
        const rows = await on.rowsOf(async () => {
          const statuses = (await Promise.all(spellings.map(signUp))).map(({ status }) => status)
          expect(statuses.sort()).toEqual([202, 202, 202, 429, 429])
          const late = await signUp(email)
          expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(3000)
        })
        const mails = (await on.mails()).filter(({ to }) => to.trim().toLowerCase() === email)
        expect(mails).toHaveLength(3)
        const denied = rows.filter(({ outcome }) => outcome === 'denied')
        expect(denied).toHaveLength(3)
        for (const row of denied)
          expect(row).toMatchObject({ event: 'signup', reason: 'throttled', scope: 'signup', limit: 3 })
      }
    })
  })

  describe.runIf(here)(`limits that are undefined or null on ${name}`, () => {
    let system: TestSystem
    let on: PasswordJourneys
    beforeAll(async () => {
      const limits = { ...unlimited, login: undefined } as never
      system = await startSystem(make, { limits })
      on = new PasswordJourneys(() => system)
    })
    afterAll(() => system.close())

    it('are the usual ones of a scope that is undefined, and none of one that is null', async () => {
      const logins: number[] = []
      const resets: number[] = []
      for (let attempt = 0; attempt < 6; attempt++) {
        const email = 'nobody@example.org'
        logins.push(await on.login(email, 'wrong'))
        resets.push((await on.client().post('/api/auth/password-reset', { email })).status)
      }
      expect(logins).toEqual([401, 401, 401, 401, 401, 429])
      expect(new Set(resets)).toEqual(new Set([202]))
    })
  })
}
