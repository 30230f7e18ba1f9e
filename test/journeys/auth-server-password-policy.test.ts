import { argon2idHasher } from '@countersign/auth'
import { dictionary } from '@zxcvbn-ts/language-common'
import { describe, expect, it } from 'vitest'
import { places, unlimited } from '../support/auth-systems.js'
import { password, passwordJourneys, plain } from '../support/password-journeys.js'

const listed: readonly string[] = dictionary['passwords-common']

for (const { name, here, make } of places) {
  describe.runIf(here)(`the policy of passwords on ${name}`, () => {
    const on = passwordJourneys(make, { limits: unlimited, passwordPolicy: { siteNames: ['Ledger of Lights'] } })
    const signUp = (email: string, typed: unknown) =>
      on.client().post('/api/auth/signup', { email, password: typed, confirm_password: typed })
    const codeOf = async (email: string, typed: unknown) => {
      const { status, json } = await signUp(email, typed)
      return status === 202 ? 202 : json.code
    }

    // PWD-01, PWD-02
    it.each([
      [14, 'password_too_short'],
      [15, 202],
      [64, 202],
      [128, 202],
      [256, 202],
      [257, 'password_too_long'],
    ])('takes %i lower-case letters, or emoji, as the lengths say', async (length, expected) => {
      const letters = 'plumtreesunderthewintersky'.repeat(10).slice(0, length)
      expect(await codeOf(`letters-${length}@example.org`, letters)).toBe(expected)
      expect(await codeOf(`emoji-${length}@example.org`, '\u{1f333}'.repeat(length))).toBe(expected)
    })

    // PWD-08
    it.each([
      ...listed.filter(({ length }) => length >= 15).slice(0, 5),
      'PasswordPassword',
      'password1234567',
      '!!Basketball2024',
    ])('refuses %j, which is tried first, at a sign-up, a change and a reset', async (typed) => {
      const email = 'common@example.org'
      if ((await on.sql('select 1 from auth_user where email_canonical = ?', [email])).length === 0)
        await on.account(email)
      expect(await codeOf('other@example.org', typed)).toBe('password_common')
      expect((await on.change(await on.session(email), password, typed)).json.code).toBe('password_common')
      const token = await on.resetToken(email)
      expect((await on.confirm(token, typed)).json.code).toBe('password_common')
      // RST-15
      expect((await on.confirm(token, password)).status).toBe(200)
    })

    it('refuses what is little more than the address or the names of the site', async () => {
      const email = 'grace.hopper@navy-yard.example'
      for (const typed of [
        'grace.hopper@navy-yard.example',
        'Grace-Hopper-1906',
        'navy-yard navy-yard',
        'ledger of lights 1',
      ])
        expect([typed, await codeOf(email, typed)]).toEqual([typed, 'password_guessable'])
      expect(await codeOf(email, 'grace hopper found a moth')).toBe(202)
      await on.client().post('/api/auth/verify-account', { token: await on.client().mailedToken(email) })
      const client = await on.session(email, 'grace hopper found a moth')
      const changed = await on.change(client, 'grace hopper found a moth', 'navy-yard navy-yard')
      expect(changed.json.code).toBe('password_guessable')
      const token = await on.resetToken(email)
      expect((await on.confirm(token, 'Grace-Hopper-1906')).json.code).toBe('password_guessable')
      expect((await on.confirm(token, 'a moth was in relay seventy')).status).toBe(200)
    })

    // PWD-03, PWD-05, PWD-06, PWD-07
    it('compares every character, in either Unicode form, and no other case', async () => {
      const long = `${'caf\u00e9 '.repeat(16)}\u200f\u{1f333}`
      await on.client().signUpAndVerify('every@example.org', long)
      expect(await on.login('every@example.org', long.normalize('NFD'))).toBe(200)
      const others = [
        long.slice(0, 72),
        `${long}.`,
        long.toUpperCase(),
        long.replace('\u200f', ''),
        long.normalize('NFKD').replace(/\u0301/g, ''),
      ]
      for (const other of others) expect(await on.login('every@example.org', other)).toBe(401)
    })

    // PWD-07, PWD-14, PWD-15
    it.each([
      ['a NUL', `plum trees\u0000under the sky`],
      ['half a character', `plum trees \ud800 under the sky`],
      ['a number', 123_456_789_012_345],
      ['a list', ['plum trees under the sky']],
      ['an object', { length: 99 }],
      ['null', null],
      ['true', true],
      ['nothing', ''],
      ['kilobytes', 'plum '.repeat(2000)],
    ])('refuses a password with or of %s before it is hashed', async (_title, typed) => {
      const answers = [
        await signUp('typed@example.org', typed),
        await on.client().post('/api/auth/login', { email: 'typed@example.org', password: typed }),
      ]
      expect(answers.map(({ status, json }) => [status, json.code])).toEqual([
        [400, 'validation_failed'],
        [400, 'validation_failed'],
      ])
      expect(await on.sql("select 1 from auth_user where email_canonical = 'typed@example.org'")).toEqual([])
    })

    // ENU-13, ENU-14
    it('answers a login with a password that nobody can have the same for every address, and repeats none', async () => {
      await on.account('known@example.org')
      for (const typed of ['plum '.repeat(100), 'plum '.repeat(2000), '']) {
        const login = (email: string) => on.client().post('/api/auth/login', { email, password: typed })
        const [known, unknown] = [await login('known@example.org'), await login('unknown@example.org')]
        expect(plain(known)).toBe(plain(unknown))
        expect(known.text).not.toContain('plum')
      }
    })

    // PWD-11
    it('stores argon2id of enough memory and passes, with another salt for each', async () => {
      await on.account('salt-one@example.org')
      await on.account('salt-two@example.org')
      const stored = await on.sql<{ password_hash: string }>(
        "select password_hash from auth_user where email_canonical like 'salt-%'",
      )
      const salts = stored.map(({ password_hash }) => {
        const [, memory, time, salt] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$([^$]+)\$/.exec(password_hash) ?? []
        expect(Number(memory)).toBeGreaterThanOrEqual(19_456)
        expect(Number(time)).toBeGreaterThanOrEqual(2)
        expect(Buffer.from(salt ?? '', 'base64').length).toBeGreaterThanOrEqual(16)
        return salt
      })
      expect(new Set(salts).size).toBe(2)
    })
  })

  describe.runIf(here)(`the cost of passwords on ${name}`, () => {
    const passwordHasher = argon2idHasher({ memoryCost: 24_576, timeCost: 3, parallelism: 1 })
    const on = passwordJourneys(make, { limits: unlimited, passwordHasher, passwordPolicy: { minLength: 8 } })

    it('rises at the next login where it is less than the setting says, and once', async () => {
      const { id, email } = await on.account('weaker@example.org')
      const weaker = await argon2idHasher().hash(password)
      const hashOf = async () =>
        (await on.sql<{ password_hash: string }>('select password_hash from auth_user where id = ?', [id]))[0]
          ?.password_hash
      await on.sql('update auth_user set password_hash = ? where id = ?', [weaker, id])
      expect(await on.login(email, `${password}.`)).toBe(401)
      expect(await hashOf()).toBe(weaker)
      expect(await Promise.all([on.login(email, password), on.login(email, password)])).toEqual([200, 200])
      const stronger = await hashOf()
      expect(stronger).toMatch(/^\$argon2id\$v=19\$m=24576,t=3,p=1\$/)
      expect(await on.login(email, password)).toBe(200)
      expect(await hashOf()).toBe(stronger)
    })

    it('goes with eight characters where the setting says so, and with none that is tried first', async () => {
      const signUp = async (typed: string) =>
        (
          await on
            .client()
            .post('/api/auth/signup', { email: 'eight@example.org', password: typed, confirm_password: typed })
        ).json.code
      expect(await signUp('pl&um8t')).toBe('password_too_short')
      expect(await signUp('pl&um8tr')).toBeUndefined()
      for (const typed of listed.filter(({ length }) => length >= 8).slice(0, 40))
        expect(await signUp(typed)).toBe('password_common')
    })
  })
}

it.each([
  { memoryCost: 19_455, timeCost: 2, parallelism: 1 },
  { memoryCost: 19_456, timeCost: 1, parallelism: 1 },
  { memoryCost: 19_456, timeCost: 2, parallelism: 0 },
])('argon2id is not made with %j', (cost) => {
  expect(() => argon2idHasher(cost)).toThrow(expect.objectContaining({ code: 'SETTING_INVALID' }))
})
