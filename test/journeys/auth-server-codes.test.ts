import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { places, unlimited } from '../support/auth-systems.js'
import { wrongCode } from '../support/authenticator.js'
import { oathtool, oathtoolInstalled } from '../support/oathtool.js'
import { password } from '../support/password-journeys.js'
import { told, twoFactorJourneys } from '../support/two-factor-journeys.js'

const minute = 60_000
const installed = oathtoolInstalled()

for (const { name, here, make } of places) {
  describe.runIf(here)(`codes on ${name}`, () => {
    const on = twoFactorJourneys(make)

    // The middle of a time step: no test is to see one begin.
    const middle = () => Math.floor(Date.now() / 30_000) * 30_000 + 15_000
    beforeEach(() => {
      const now = middle()
      vi.useFakeTimers({ toFake: ['Date'], now })
    })
    afterEach(() => vi.useRealTimers())

    it('count once, whatever they are used for', async () => {
      const { email } = await on.account('once@example.org')
      const client = await on.session(email)
      const { secret } = (await client.post('/api/auth/2fa/setup')).json
      const code = on.code(secret)
      // MFA-02
      expect(told(await client.post('/api/auth/2fa/enable', { code }))).toBe('200 ok')
      const waiting = await on.pending(email)
      expect(told(await on.verify(waiting, code))).toBe('400 invalid_totp')
      const next = on.code(secret, 1)
      expect(told(await on.verify(waiting, next))).toBe('200 ok')
      expect(told(await on.verified(email, next))).toBe('400 invalid_totp')
      const rows = await on.rowsOf(async () => {
        expect(told(await client.post('/api/auth/2fa/disable', { password, code: next }))).toBe('400 invalid_totp')
      })
      expect(rows).toMatchObject([{ event: 'two_factor_disable', outcome: 'failure', reason: 'code_reused' }])
      vi.setSystemTime(Date.now() + minute)
      expect(told(await client.post('/api/auth/2fa/disable', { password, code: on.code(secret) }))).toBe('200 ok')
    })

    it('of a step before the newest one that was used are refused, also if they were never used', async () => {
      const { email, secret } = await on.secured('monotonic@example.org')
      expect(told(await on.verified(email, on.code(secret)))).toBe('200 ok')
      // MFA-04
      expect(told(await on.verified(email, on.code(secret, -1)))).toBe('400 invalid_totp')
      expect(told(await on.verified(email, on.code(secret, 1)))).toBe('200 ok')
      expect(told(await on.verified(email, on.code(secret)))).toBe('400 invalid_totp')
    })

    it('count in their own time step, the one before and the one after', async () => {
      const { id, email, secret } = await on.secured('window@example.org')
      // MFA-05
      for (const [steps, answer] of [
        [-2, '400 invalid_totp'],
        [-1, '200 ok'],
        [0, '200 ok'],
        [1, '200 ok'],
        [2, '400 invalid_totp'],
      ] as const) {
        await on.forget(id)
        expect([steps, told(await on.verified(email, on.code(secret, steps)))]).toEqual([steps, answer])
      }
    })

    it('are refused while the clock stands before the newest step that was used', async () => {
      const { email, secret } = await on.secured('backwards@example.org')
      const now = Date.now()
      vi.setSystemTime(now + minute)
      expect(told(await on.verified(email, on.code(secret)))).toBe('200 ok')
      vi.setSystemTime(now)
      // MFA-06
      for (const steps of [-1, 0, 1])
        expect(told(await on.verified(email, on.code(secret, steps)))).toBe('400 invalid_totp')
    })

    it('may be typed in groups, and are digits of our own alphabet', async () => {
      const { id, email, secret } = await on.secured('typed@example.org')
      const digits = on.code(secret)
      // MFA-21
      for (const typed of [`${digits.slice(0, 3)} ${digits.slice(3)}`, ` ${digits} `, digits.split('').join('-')]) {
        await on.forget(id)
        expect([typed, told(await on.verified(email, typed))]).toEqual([typed, '200 ok'])
      }
      await on.forget(id)
      const wide = [...digits].map((digit) => String.fromCharCode(0xff10 + Number(digit))).join('')
      const refused = [wide, `+${digits.slice(1)}`, '1e5', `${digits}\n`, `\t${digits}`, digits.slice(1), `${digits}0`]
      for (const typed of [...refused, ' ', '٣'.repeat(6)])
        expect([typed, told(await on.verified(email, typed))]).toEqual([typed, '400 invalid_totp'])
      await on.sql('update auth_second_factor set failures = 0 where user_id = ?', [id])
      const waiting = await on.pending(email)
      const objects: unknown[] = [Number(digits), [digits], { $ne: null }, null, undefined, true, '', 'x'.repeat(65)]
      for (const typed of [...objects, `${digits}\u0000`])
        expect([typed, told(await on.verify(waiting, typed))]).toEqual([typed, '400 validation_failed'])
      expect(told(await on.verify(waiting, digits))).toBe('200 ok')
    })

    it.runIf(installed)('of an authenticator that is not ours are taken', async () => {
      const { email } = await on.account('oathtool@example.org')
      const client = await on.session(email)
      const { otpauth_uri } = (await client.post('/api/auth/2fa/setup')).json
      const secret = new URL(otpauth_uri).searchParams.get('secret') as string
      const code = (ahead: number) => {
        const now = new Date(Date.now() + ahead * 1000).toISOString().replace('T', ' ').slice(0, 19)
        return oathtool('--totp', '--base32', `--now=${now} UTC`, secret)
      }
      expect(told(await client.post('/api/auth/2fa/enable', { code: code(-30) }))).toBe('200 ok')
      expect(told(await on.verified(email, code(0)))).toBe('200 ok')
      expect(told(await client.post('/api/auth/2fa/disable', { password, code: code(30) }))).toBe('200 ok')
    })
  })

  describe.runIf(here)(`guesses of a code on ${name}`, () => {
    const lockouts = { account: null, address: null }
    const on = twoFactorJourneys(make, { limits: unlimited, lockouts })
    const statuses = async (times: number, run: () => Promise<string>): Promise<string[]> => {
      const all: string[] = []
      for (let time = 0; time < times; time++) all.push(await run())
      return all
    }

    it('are five at one login, and then it takes the password again', async () => {
      const { email, secret } = await on.secured('five@example.org')
      const waiting = await on.pending(email)
      const cookie = new Map(waiting.client.cookies)
      // MFA-07
      const wrong = await statuses(5, async () => told(await on.verify(waiting, wrongCode(secret))))
      expect(new Set(wrong)).toEqual(new Set(['400 invalid_totp']))
      const rows = await on.rowsOf(async () => {
        expect(told(await on.verify(waiting, on.code(secret)))).toBe('401 session_expired')
        // MFA-10
        waiting.client.cookies = cookie
        expect(told(await on.verify(waiting, on.code(secret)))).toBe('401 session_expired')
      })
      expect(rows.map(({ reason }) => reason)).toEqual(['attempts_exhausted', 'attempts_exhausted'])
      expect(told(await on.verified(email, on.code(secret)))).toBe('200 ok')
    })

    it('of an account are ten, at whatever logins, and then none for fifteen minutes, not of a right code either', async () => {
      const { id, email, secret, codes, client } = await on.secured('ten@example.org')
      // Logins that fail at the password do not count: MFA-08.
      for (let stranger = 0; stranger < 12; stranger++) expect(await on.login(email, 'wrong')).toBe(401)
      const guess = async () => told(await on.verified(email, wrongCode(secret)))
      expect(await statuses(6, guess)).toEqual(Array(6).fill('400 invalid_totp'))
      // A backup code, guessed, and a code to switch it off: BKP-05.
      expect(told(await on.verified(email, '00000-00000'))).toBe('400 invalid_totp')
      const disable = { password, code: wrongCode(secret) }
      expect(told(await client.post('/api/auth/2fa/disable', disable))).toBe('400 invalid_totp')
      expect(await statuses(2, guess)).toEqual(Array(2).fill('400 invalid_totp'))
      const waiting = await on.pending(email)
      const rows = await on.rowsOf(async () => {
        const answer = await on.verify(waiting, on.code(secret))
        expect(told(answer)).toBe('429 throttled')
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(800)
        expect(told(await on.verified(email, codes[0]))).toBe('429 throttled')
      })
      expect(rows.filter(({ event }) => event === 'two_factor_challenge')).toMatchObject(
        Array(2).fill({ outcome: 'denied', reason: 'locked', status: 429, scope: 'second_factor', limit: 10 }),
      )
      const all = (await on.system.rows()).filter(
        ({ event, subject }) => event === 'lockout_start' && subject?.id === id,
      )
      expect(all).toMatchObject([{ details: { until: expect.any(String) } }])
      const warned = (await on.mails()).filter(({ to, subject }) => to === email && /tries codes/.test(subject))
      expect(warned).toHaveLength(1)
      await on.sql("update auth_second_factor set failures_until = now() - interval '1 second' where user_id = ?", [id])
      expect(told(await on.verified(email, on.code(secret)))).toBe('200 ok')
    })

    it('that are twenty at the same time get no more than are left', async () => {
      const { id, email, secret } = await on.secured('parallel@example.org')
      const waiting = []
      for (let login = 0; login < 20; login++) waiting.push(await on.pending(email))
      const answers = await Promise.all(waiting.map((one) => on.verify(one, wrongCode(secret))))
      // MFA-09
      expect(answers.map(told).sort()).toEqual([
        ...Array(10).fill('400 invalid_totp'),
        ...Array(10).fill('429 throttled'),
      ])
      const warned = (await on.mails()).filter(({ to, subject }) => to === email && /tries codes/.test(subject))
      expect(warned).toHaveLength(1)
      await on.sql('update auth_second_factor set failures = 0, failures_until = null where user_id = ?', [id])
      const one = await on.pending(email)
      const same = await Promise.all(Array.from({ length: 20 }, () => on.verify(one, wrongCode(secret))))
      expect(same.map(told).sort()).toEqual([
        ...Array(5).fill('400 invalid_totp'),
        ...Array(15).fill('401 session_expired'),
      ])
    })

    it('are a hundred in a row, however slowly, and then only an administrator helps', async () => {
      const { id, email, secret } = await on.secured('hundred@example.org')
      await on.sql('update auth_second_factor set failures_in_a_row = 99 where user_id = ?', [id])
      expect(told(await on.verified(email, wrongCode(secret)))).toBe('400 invalid_totp')
      await on.sql('update auth_second_factor set failures = 0, failures_until = null where user_id = ?', [id])
      // MFA-08
      expect(told(await on.verified(email, on.code(secret)))).toBe('429 throttled')
      expect((await on.mails())[0]?.text).toContain('until an administrator resets the second factor')
      await on.system.auth.services.twoFactor.reset(id)
      expect(await on.login(email, password)).toBe(200)
    })

    it('begin anew with a right code', async () => {
      const { id, email, secret } = await on.secured('anew@example.org')
      for (let round = 0; round < 2; round++) {
        for (let wrong = 0; wrong < 9; wrong++) await on.verified(email, wrongCode(secret))
        await on.forget(id)
        expect(told(await on.verified(email, on.code(secret)))).toBe('200 ok')
      }
    })
  })

  describe.runIf(here)(`the limits of codes on ${name}`, () => {
    const on = twoFactorJourneys(make, {
      limits: { ...unlimited, verify_login: '3/min', two_factor: { failures: '2/min' } },
    })

    it('are of an address where logins are completed, and of an account where factors are changed', async () => {
      const { email } = await on.account('limited@example.org')
      const client = await on.session(email)
      const forged = { client: on.client(), token: 'x'.repeat(43) }
      const completed = []
      for (let time = 0; time < 4; time++) completed.push((await on.verify(forged, '000000')).status)
      expect(completed).toEqual([401, 401, 401, 429])
      const confirmed = []
      for (let time = 0; time < 3; time++)
        confirmed.push((await client.post('/api/auth/2fa/enable', { code: '000000' })).status)
      expect(confirmed).toEqual([400, 400, 429])
    })
  })
}
