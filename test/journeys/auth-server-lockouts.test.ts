import { describe, expect, it } from 'vitest'
import type { Answer, AuthClient } from '../support/auth-client.js'
import { places, unlimited } from '../support/auth-systems.js'
import { password, passwordJourneys, plain } from '../support/password-journeys.js'

const wrong = 'some other horse battery staple'
const chosen = 'a sentence that is easy to keep'
const withoutWait = (answer: Answer) => plain(answer).replace(/"retry_after":\d+/, '')

for (const { name, here, make } of places) {
  describe.runIf(here)(`a lockout on ${name}`, () => {
    const on = passwordJourneys(make)

    const fail = async (email: string, times = 5, client: AuthClient = on.client()) => {
      const statuses: number[] = []
      for (let time = 0; time < times; time++)
        statuses.push((await client.post('/api/auth/login', { email, password: wrong })).status)
      return statuses
    }

    // ENU-11
    it('begins with the fifth failure of an identifier, and looks the same whether or not it has an account', async () => {
      await on.account('known@example.org')
      const answers: Answer[] = []
      for (const email of ['known@example.org', 'unknown@example.org']) {
        expect(await fail(email)).toEqual([401, 401, 401, 401, 401])
        answers.push(await on.client().post('/api/auth/login', { email, password }))
      }
      expect(answers.map(withoutWait)).toEqual([answers[0], answers[0]].map((answer) => withoutWait(answer as Answer)))
      for (const { status, headers, json } of answers) {
        expect([status, json.code]).toEqual([429, 'throttled'])
        expect(Number(headers.get('retry-after'))).toBeGreaterThan(890)
        expect(headers.getSetCookie()).toEqual([])
      }
      expect([...(answers[0] as Answer).headers.keys()]).toEqual([...(answers[1] as Answer).headers.keys()])
    })

    it('lets any number of right passwords in at the same time', async () => {
      const { email } = await on.account('crowd@example.org')
      const statuses = await Promise.all(Array.from({ length: 12 }, () => on.login(email, password)))
      expect(new Set(statuses)).toEqual(new Set([200]))
    })

    // THR-12
    it('counts every spelling of an address as one', async () => {
      const { email } = await on.account('spelled@example.org')
      const spellings = ['SPELLED@example.org', ' spelled@example.org', 'Spelled@Example.ORG ', email, email]
      for (const spelling of spellings) await fail(spelling, 1)
      expect(await on.login(email, password)).toBe(429)
    })

    it('leaves one row of its start and a mail to the owner, and a denied row for each refusal', async () => {
      const { id, email } = await on.account('rows@example.org')
      const rows = await on.rowsOf(async () => {
        await fail(email)
        await on.login(email, password)
      })
      expect(rows.map(({ event, outcome, reason }) => [event, outcome, reason])).toEqual([
        ...Array.from({ length: 5 }, () => ['login', 'failure', 'bad_credentials']),
        ['lockout_start', 'success', null],
        ['login', 'denied', 'locked'],
      ])
      const start = rows.find(({ event }) => event === 'lockout_start')
      expect(start).toMatchObject({
        subject: { type: 'user', id },
        actor: { type: 'anonymous' },
        details: { by: 'account' },
      })
      expect(start?.attempted?.masked).toBe('r***@e***.org')
      expect(rows.at(-1)).toMatchObject({ scope: 'lockout', limit: 5, status: 429, subject: { id } })
      const told = (await on.mails()).filter(({ to, subject }) => to === email && subject.startsWith('Somebody failed'))
      expect(told).toHaveLength(1)
    })

    it('writes to nobody who has not verified the address', async () => {
      const email = 'pending@example.org'
      await on.client().post('/api/auth/signup', { email, password, confirm_password: password })
      await fail(email)
      expect((await on.mails()).filter(({ to }) => to === email)).toHaveLength(1)
    })

    it('is forgotten before it begins, by a success', async () => {
      const { email } = await on.account('clumsy@example.org')
      expect(await fail(email, 4)).toEqual([401, 401, 401, 401])
      expect(await on.login(email, password)).toBe(200)
      expect(await fail(email, 4)).toEqual([401, 401, 401, 401])
      expect(await on.login(email, password)).toBe(200)
    })

    // THR-03
    it('by strangers lets the owner in from a device that logged in before, and no other device', async () => {
      const { email } = await on.account('victim@example.org')
      const known = await on.session(email)
      await known.post('/api/auth/logout')
      await fail(email)
      expect((await known.post('/api/auth/login', { email, password })).status).toBe(200)
      expect(await on.login(email, password)).toBe(429)
      const { email: stranger } = await on.account('stranger@example.org')
      const foreign = await on.session(stranger)
      expect((await foreign.post('/api/auth/login', { email, password })).status).toBe(429)
    })

    it('of a known device is its own: it neither locks the account nor takes more guesses', async () => {
      const { id, email } = await on.account('device@example.org')
      const known = await on.session(email)
      const rows = await on.rowsOf(async () => {
        expect(await fail(email, 7, known)).toEqual([401, 401, 401, 401, 401, 429, 429])
      })
      const starts = rows.filter(({ event }) => event === 'lockout_start')
      expect(starts).toMatchObject([{ subject: { id }, details: { by: 'device' } }])
      expect(await on.login(email, password)).toBe(200)
    })

    it('takes a device for known no longer when the password was replaced', async () => {
      const { email } = await on.account('replaced@example.org')
      const known = await on.session(email)
      await on.confirm(await on.resetToken(email), chosen)
      await fail(email)
      expect((await known.post('/api/auth/login', { email, password: chosen })).status).toBe(429)
    })

    it('knows no device by a cookie that was altered', async () => {
      const { email } = await on.account('forged@example.org')
      const known = await on.session(email)
      await fail(email)
      const cookie = known.cookies.get('device') as string
      const forged = cookie.startsWith('A') ? `B${cookie.slice(1)}` : `A${cookie.slice(1)}`
      for (const value of [forged, '', 'x', `${cookie}x`, cookie.split('.').slice(0, 4).join('.')]) {
        const client = on.client()
        client.cookies.set('device', value)
        expect((await client.post('/api/auth/login', { email, password })).status).toBe(429)
      }
      const { attributes } = deviceCookie(await on.client().post('/api/auth/login', { email: 'ada', password }))
      expect(attributes).toBeUndefined()
    })

    // THR-19
    it('is shared by the change of the password', async () => {
      const { email } = await on.account('doors@example.org')
      const client = await on.session(email)
      client.cookies.delete('device')
      await fail(email, 3)
      const tries = []
      for (let time = 0; time < 3; time++) tries.push((await on.change(client, wrong, chosen)).status)
      expect(tries).toEqual([400, 400, 429])
      expect(await on.login(email, password)).toBe(429)
    })

    it('ends by a reset, with a row', async () => {
      const { id, email } = await on.account('reset@example.org')
      await fail(email)
      const token = await on.resetToken(email)
      const rows = await on.rowsOf(async () => {
        expect((await on.confirm(token, chosen)).status).toBe(200)
        expect(await on.login(email, chosen)).toBe(200)
      })
      expect(rows.filter(({ event }) => event === 'lockout_end')).toMatchObject([
        { subject: { type: 'user', id }, details: { by: 'account', cause: 'reset' } },
      ])
    })

    it('ends when an administrator lifts it, with a row', async () => {
      const { id, email } = await on.account('lifted@example.org')
      await fail(email)
      await on.system.auth.services.accounts.ensureAdmin('root@example.org', password)
      const root = await on.session('root@example.org')
      const rows = await on.rowsOf(async () => {
        const unlock = () => root.post(`/api/auth/admin/users/${id}/unlock`)
        expect([(await unlock()).status, (await unlock()).status]).toEqual([200, 200])
      })
      expect(rows.map(({ event }) => event).sort()).toEqual(['admin_action', 'admin_action', 'lockout_end'])
      const admin = { label: 'root@example.org' }
      const end = rows.find(({ event }) => event === 'lockout_end')
      expect(end).toMatchObject({ actor: admin, subject: { id }, details: { by: 'account', cause: 'admin' } })
      const action = rows.find(({ event }) => event === 'admin_action')
      expect(action).toMatchObject({ actor: admin, subject: { id }, details: { action: 'user_unlock' } })
      expect(await on.login(email, password)).toBe(200)
    })

    it('ends once when its time is over, by whichever sweep or login comes first', async () => {
      const emails = ['over-one@example.org', 'over-two@example.org']
      for (const email of emails) {
        await on.account(email)
        await fail(email)
      }
      await on.sql("update auth_lockout set locked_until = now() - interval '1 second' where locked_until is not null")
      const { lockouts } = on.system.auth.services
      const rows = await on.rowsOf(async () => {
        const logins = emails.flatMap((email) => [on.login(email, password), on.login(email, password)])
        await Promise.all([lockouts.sweep(), lockouts.sweep(), ...logins])
        expect(await Promise.all(emails.map((email) => on.login(email, password)))).toEqual([200, 200])
      })
      const ends = rows.filter(({ event }) => event === 'lockout_end')
      expect(ends.length).toBeGreaterThanOrEqual(2)
      expect(new Set(ends.map(({ details }) => (details as { lock?: string }).lock)).size).toBe(ends.length)
      for (const end of ends)
        expect(end).toMatchObject({ actor: { type: 'service', id: 'lockouts' }, details: { cause: 'expired' } })
      expect(await on.sql('select 1 from auth_lockout where locked_until <= now()')).toEqual([])
    })
  })

  describe.runIf(here)(`the settings of lockouts on ${name}`, () => {
    const lockouts = {
      account: { failures: 2, window: 60, duration: 120, longest: 150 },
      address: { failures: 6, window: 60, duration: 60 },
    }
    const on = passwordJourneys(make, { limits: unlimited, lockouts })

    it('say how many failures lock, for how long, and how long a failure counts', async () => {
      const { email } = await on.account('quick@example.org')
      expect(await on.login(email, wrong)).toBe(401)
      await on.sql("update auth_lockout set since = since - interval '61 seconds' where kind = 'account'")
      // The first failure counts no more.
      expect([await on.login(email, wrong), await on.login(email, wrong)]).toEqual([401, 401])
      const { status, headers } = await on.client().post('/api/auth/login', { email, password })
      expect(status).toBe(429)
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(60)
      expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(120)
    })

    // THR-01
    it('lock an address that fails at many accounts, which a success of its own does not forgive', async () => {
      const { email } = await on.account('own@example.org')
      const rows = await on.rowsOf(async () => {
        const statuses = []
        for (let other = 0; other < 5; other++) {
          statuses.push(await on.login(`spray-${other}@example.org`, wrong))
          if (other === 1) expect(await on.login(email, password)).toBe(200)
        }
        // Three failed before, in the test above.
        expect(statuses).toEqual([401, 401, 401, 429, 429])
      })
      const starts = rows.filter(({ event }) => event === 'lockout_start')
      expect(starts).toMatchObject([
        { subject: null, attempted: null, details: { by: 'address' }, address: '127.0.0.1' },
      ])
    })

    it('say how long a lock lasts at most', async () => {
      const email = 'longest@example.org'
      // The address is locked, from the test above.
      await on.sql('delete from auth_lockout')
      for (const least of [110, 140]) {
        expect([await on.login(email, wrong), await on.login(email, wrong)]).toEqual([401, 401])
        const { headers } = await on.client().post('/api/auth/login', { email, password })
        expect(Number(headers.get('retry-after'))).toBeGreaterThan(least)
        expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(150)
        await on.sql("update auth_lockout set locked_until = now() where kind = 'account' and locked_until is not null")
      }
    })
  })
}

function deviceCookie({ headers }: Answer): { attributes?: string } {
  const cookie = headers.getSetCookie().find((one) => one.startsWith('device='))
  return cookie === undefined ? {} : { attributes: cookie.slice(cookie.indexOf(';')) }
}
