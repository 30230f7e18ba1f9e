import { describe, expect, it } from 'vitest'
import { places, unlimited } from '../support/auth-systems.js'
import { password, passwordJourneys, plain } from '../support/password-journeys.js'

const wrong = 'some other horse battery staple'

for (const { name, here, make } of places) {
  describe.runIf(here)(`user names on ${name}`, () => {
    const on = passwordJourneys(make, { limits: unlimited, usernames: true })
    const signUp = (email: string, username?: string, typed = password) =>
      on.client().post('/api/auth/signup', { email, username, password: typed, confirm_password: typed })
    const named = async (email: string, username: string) => {
      await signUp(email, username)
      return on.client().post('/api/auth/verify-account', { token: await on.client().mailedToken(email) })
    }

    // S2-B12
    it('lets an account log in by its name in any case, as by its address', async () => {
      const verified = await named('ada@example.org', 'Ada.Lovelace')
      expect(verified.json.user).toMatchObject({ email: 'ada@example.org', username: 'Ada.Lovelace' })
      for (const typed of ['ada.lovelace', ' ADA.Lovelace ', 'ada@example.org'])
        expect(await on.login(typed, password)).toBe(200)
      const rows = await on.rowsOf(() => on.login('ada.lovelace', wrong))
      expect(rows).toMatchObject([{ event: 'login', reason: 'bad_credentials', attempted: { masked: '***' } }])
      expect(rows[0]?.subject?.id).toBe(verified.json.user.id)
    })

    it('counts failures by name and by address as those of one account', async () => {
      await named('grace@example.org', 'grace')
      const statuses = []
      for (const typed of ['grace', 'grace@example.org', 'GRACE', 'grace@example.org', 'grace', 'grace'])
        statuses.push(await on.login(typed, wrong))
      expect(statuses).toEqual([401, 401, 401, 401, 401, 429])
      expect(await on.login('grace@example.org', password)).toBe(429)
      const login = (email: string) => on.client().post('/api/auth/login', { email, password: wrong })
      expect(plain(await login('nobody'))).toBe(plain(await login('nobody@example.org')))
    })

    it.each(['ab', 'a'.repeat(33), 'ada@example.org', 'an name', '.dot', 'dot.', '\u0430da', 'x\u0000y'])(
      'refuses %j as a name',
      async (username) => {
        const { status, json } = await signUp('names@example.org', username)
        expect(status).toBe(400)
        expect(['invalid_username', 'validation_failed']).toContain(json.code)
      },
    )

    it('gives a name to the first who verifies an address, and tells others that it is taken', async () => {
      await signUp('late@example.org', 'wanted')
      const late = await on.client().mailedToken('late@example.org')
      expect((await named('early@example.org', 'Wanted')).json.user.username).toBe('Wanted')
      const taken = await signUp('third@example.org', 'WANTED')
      expect([taken.status, taken.json.code]).toEqual([409, 'username_taken'])
      const { status, json } = await on.client().post('/api/auth/verify-account', { token: late })
      expect([status, json.user.username]).toEqual([200, undefined])
    })

    it('gives a name to one of several who verify at the same time, and verifies all', async () => {
      const tokens = []
      for (let one = 0; one < 6; one++) {
        await signUp(`race-${one}@example.org`, 'popular')
        tokens.push(await on.client().mailedToken(`race-${one}@example.org`))
      }
      const verify = (token: string) => on.client().post('/api/auth/verify-account', { token })
      const answers = await Promise.all(tokens.map(verify))
      expect(answers.map(({ status }) => status)).toEqual(tokens.map(() => 200))
      expect(answers.filter(({ json }) => json.user.username === 'popular')).toHaveLength(1)
    })

    it('keeps the name that was chosen when another link is asked for', async () => {
      await signUp('again@example.org', 'again')
      await on.client().post('/api/auth/verify-account/resend', { email: 'again@example.org' })
      const token = await on.client().mailedToken('again@example.org')
      expect((await on.client().post('/api/auth/verify-account', { token })).json.user.username).toBe('again')
    })

    it('is told nothing of an address by a name that comes with it', async () => {
      const [fresh, known] = [
        await signUp('unseen@example.org', 'one-name'),
        await signUp('ada@example.org', 'two-name'),
      ]
      expect(plain(known)).toBe(plain(fresh))
      expect((await signUp('other@example.org', 'two-name')).status).toBe(202)
      expect((await signUp('another@example.org', 'one-name')).status).toBe(202)
    })

    it('takes no password that is little more than the name', async () => {
      const answer = await signUp('hedy@example.org', 'hedy.lamarr.1914', 'Hedy.Lamarr.1914')
      expect(answer.json.code).toBe('password_guessable')
    })
  })

  describe.runIf(here)(`without user names, and never verified, on ${name}`, () => {
    const on = passwordJourneys(make, { limits: unlimited, neverVerifiedDays: 3 })
    const signUp = (email: string, more: object = {}) =>
      on.client().post('/api/auth/signup', { email, password, confirm_password: password, ...more })

    it('a name is refused, and logs nobody in', async () => {
      await on.account('plain@example.org')
      await on.sql("update auth_user set username = 'plain', username_canonical = 'plain'")
      expect((await signUp('named@example.org', { username: 'named' })).json.code).toBe('invalid_username')
      expect(await on.login('plain', password)).toBe(401)
    })

    it('the sweep deletes what was never verified in so many days, each with a row, and nothing else', async () => {
      await on.account('verified@example.org')
      for (const email of ['old@example.org', 'waiting@example.org', 'young@example.org']) await signUp(email)
      await on.sql("update auth_user set created_at = now() - interval '73 hours' where email <> 'young@example.org'")
      await on.sql(
        `update auth_one_time_token set expires_at = now() - interval '1 hour'
         where user_id in (select id from auth_user where email <> 'waiting@example.org')`,
      )
      const [old] = await on.sql<{ id: string }>("select id from auth_user where email = 'old@example.org'")
      const rows = await on.rowsOf(() => on.system.auth.services.sweeper.sweep())
      const left = await on.sql<{ email: string }>('select email from auth_user order by email')
      expect(left.map(({ email }) => email)).toEqual([
        'plain@example.org',
        'verified@example.org',
        'waiting@example.org',
        'young@example.org',
      ])
      const deletions = rows.filter(({ event }) => event === 'data_deletion')
      expect(deletions).toMatchObject([
        {
          actor: { type: 'service', id: 'account_purge' },
          subject: { type: 'user', id: old?.id },
          details: { cause: 'never_verified' },
        },
      ])
      expect((await signUp('old@example.org')).status).toBe(202)
    })
  })

  describe.runIf(here)(`a closed registration on ${name}`, () => {
    const on = passwordJourneys(make, { limits: unlimited, registration: 'closed' })

    it('tells everybody the same, changes nothing and mails nobody', async () => {
      await on.system.auth.services.accounts.ensureAdmin('root@example.org', password)
      const signUp = (email: string) =>
        on.client().post('/api/auth/signup', { email, password, confirm_password: password })
      const rows = await on.rowsOf(async () => {
        const [fresh, known] = [await signUp('fresh@example.org'), await signUp('root@example.org')]
        expect([fresh.status, fresh.json.code]).toEqual([403, 'registration_closed'])
        expect(plain(known)).toBe(plain(fresh))
      })
      const denied = { event: 'signup', outcome: 'denied', reason: 'registration_closed', subject: null }
      expect(rows).toMatchObject([denied, denied])
      expect([await on.mails(), await on.login('root@example.org', password)]).toEqual([[], 200])
      expect(await on.sql('select 1 from auth_user')).toHaveLength(1)
    })
  })
}
