import { setTimeout as wait } from 'node:timers/promises'
import { OneTimeTokens, Secrets, User } from '@countersign/auth'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, secret, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'

const password = 'correct horse battery staple'
const other = 'the password of somebody else'

for (const { name, here, make } of places) {
  describe.runIf(here)(`what happens at the same time on ${name}`, () => {
    let system: TestSystem
    let client: AuthClient
    beforeAll(async () => {
      system = await startSystem(make, { limits: unlimited })
      client = new AuthClient(system.url)
    })
    afterAll(() => system.close())

    const signUp = (email: string, typed = password) =>
      client.post('/api/auth/signup', { email, password: typed, confirm_password: typed })
    const verify = (token: string) => client.post('/api/auth/verify-account', { token })
    const login = async (email: string, typed = password) =>
      (await client.post('/api/auth/login', { email, password: typed })).status
    const mailedTokens = async (email: string): Promise<string[]> => {
      const mails = (await client.get('/dev/mailbox.json')).json as Array<{ to: string; text: string }>
      return mails.flatMap(({ to, text }) => (to === email ? (/token=([\w-]+)/.exec(text)?.[1] ?? []) : []))
    }
    const liveTokens = async (email: string, purpose: string): Promise<number> => {
      const connection = system.auth.database.orm.em.getDriver().getConnection()
      const [counted] = await connection.execute<Array<{ live: number }>>(
        `select count(*)::int as live from auth_one_time_token join auth_user on auth_user.id = user_id
         where email_canonical = ? and purpose = ? and used_at is null and expires_at > now()`,
        [email, purpose],
      )
      return counted?.live ?? -1
    }

    it('lets one of several tokens of an account verify it, and refuses the others in order', async () => {
      for (let round = 0; round < 5; round++) {
        const email = `several-${round}@example.org`
        const tokens = []
        for (let sent = 0; sent < 5; sent++) {
          await signUp(email)
          tokens.push(await client.mailedToken(email))
        }
        const statuses = (await Promise.all(tokens.map(verify))).map(({ status }) => status)
        expect(statuses.sort()).toEqual([200, 400, 400, 400, 400])
        expect(await liveTokens(email, 'verify-account')).toBe(0)
      }
    })

    it('gives a verified account no other password by a sign-up while it was being verified', async () => {
      for (let round = 0; round < 12; round++) {
        const email = `race-${round}@example.org`
        await signUp(email)
        const token = await client.mailedToken(email)
        // A sign-up hashes before it looks at the account: later and later, to meet it there.
        const later = wait(round * 4).then(() => verify(token))
        const [again, verified] = await Promise.all([signUp(email, other), later])
        expect([verified.status, again.status]).toEqual([200, 202])
        expect(await liveTokens(email, 'verify-account')).toBe(0)
        for (const mailed of await mailedTokens(email)) expect((await verify(mailed)).status).toBe(400)
        // Whoever was first: the sign-up came too late, or leaves no password in force.
        const { has_password } = verified.json.user
        expect([await login(email), await login(email, other)]).toEqual([has_password ? 200 : 401, 401])
      }
    })

    it('refuses a verification token of an account that is verified', async () => {
      const email = 'verified@example.org'
      await client.signUpAndVerify(email, password)
      const tokens = new OneTimeTokens(new Secrets(secret))
      const passwordHash = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AAAA'
      const token = await system.auth.database.orm.em.fork().transactional(async (em) => {
        const { id } = await em.findOneOrFail(User, { emailCanonical: email })
        return tokens.issue(em, 'verify-account', id, { passwordHash })
      })
      const answer = await verify(token)
      expect([answer.status, answer.json.code]).toEqual([400, 'invalid_token'])
      expect(await login(email)).toBe(200)
    })

    it('leaves one living token of twelve parallel requests for a password reset', async () => {
      const email = 'reset@example.org'
      await client.signUpAndVerify(email, password)
      for (let round = 0; round < 5; round++) {
        const answers = await Promise.all(
          Array.from({ length: 12 }, () => client.post('/api/auth/password-reset', { email })),
        )
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
        expect(await liveTokens(email, 'password-reset')).toBe(1)
      }
    })

    it('lets one of parallel sign-ups make the account, and sends each a link', async () => {
      const email = 'together@example.org'
      const answers = await Promise.all(Array.from({ length: 8 }, () => signUp(email)))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
      expect((await verify(await client.mailedToken(email))).status).toBe(200)
      expect(await liveTokens(email, 'verify-account')).toBe(0)
    })
  })
}
