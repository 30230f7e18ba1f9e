import { beforeAll, describe, expect, it } from 'vitest'
import { places } from '../support/auth-systems.js'
import { codeOfStep, stepAt } from '../support/authenticator.js'
import { password } from '../support/password-journeys.js'
import {
  type BearerTokens,
  bearer,
  claimsOf,
  type SessionJourneys,
  sessionJourneys,
} from '../support/session-journeys.js'

const chosen = 'a sentence that is easy to keep'

interface Ending {
  readonly on: SessionJourneys
  readonly email: string
  /** The session in which it is done, where it is done in one. */
  readonly mine: BearerTokens
  /** Does what an administrator does. */
  readonly asAdmin: (path: string) => Promise<unknown>
}

const post = ({ on, mine }: Ending, path: string, body: object) =>
  on.client().post(`/api/auth/${path}`, body, bearer(mine.access))

async function secondFactor(ending: Ending): Promise<{ secret: string; tokens: BearerTokens }> {
  const { secret } = (await post(ending, '2fa/setup', {})).json
  const tokens = (await post(ending, '2fa/enable', { code: codeOfStep(secret, stepAt()) })).json
  return { secret, tokens }
}

/** What ends every session but, at the most, the one that it is done in. */
const endings: ReadonlyArray<readonly [what: string, goesOn: boolean, run: (ending: Ending) => Promise<unknown>]> = [
  [
    'a change of the password',
    true,
    (ending) =>
      post(ending, 'change-password', { current_password: password, password: chosen, confirm_password: chosen }),
  ],
  ['a reset of the password', false, async ({ on, email }) => on.confirm(await on.resetToken(email), chosen)],
  [
    'a change of the address',
    false,
    async (ending) => {
      const { on, email } = ending
      await post(ending, 'change-email', { new_email: `new-${email}`, password })
      await on.client().post('/api/auth/change-email-confirm', { token: await on.client().mailedToken(`new-${email}`) })
    },
  ],
  ['a second factor that is switched on', true, secondFactor],
  ['the end of all other sessions', true, ({ on, mine }) => on.delete('/api/auth/sessions', mine.access)],
  ['a log-out by an administrator', false, ({ asAdmin }) => asAdmin('logout')],
  ['an administrator who disables the account', false, ({ asAdmin }) => asAdmin('disable')],
]

for (const { name, here, make } of places) {
  // RFT-09
  describe.runIf(here)(`refresh tokens on ${name} are worth nothing after`, () => {
    const on = sessionJourneys(make)
    let admin = ''
    beforeAll(async () => {
      await on.system.auth.services.accounts.ensureAdmin('root@example.org', password)
      admin = (await on.tokens('root@example.org')).access
    })

    it.each(endings)('%s, and so are the access tokens', async (what, goesOn, run) => {
      const { id, email } = await on.account(`${what.replaceAll(' ', '-')}@example.org`)
      const [mine, other] = [await on.tokens(email), await on.tokens(email)]
      const asAdmin = (path: string) => on.client().post(`/api/auth/admin/users/${id}/${path}`, {}, bearer(admin))
      await run({ on, email, mine, asAdmin })
      expect([await on.status(other.access), (await on.refresh(other.refresh)).status]).toEqual([401, 401])
      const ended = await on.sql<{ ended: number }>(
        'select count(*)::int as ended from auth_session where user_id = ? and ended_at is not null',
        [id],
      )
      expect(ended).toEqual([{ ended: goesOn ? 1 : 2 }])
    })

    it('a second factor that is switched off', async () => {
      const { email, id } = await on.account('switched-off@example.org')
      const mine = await on.tokens(email)
      const ending = { on, email, mine, asAdmin: async () => undefined }
      const { secret, tokens } = await secondFactor(ending)
      await on.sql('update auth_second_factor set last_step = null where user_id = ?', [id])
      const body = { password, code: codeOfStep(secret, stepAt()) }
      const off = await post({ ...ending, mine: tokens }, '2fa/disable', body)
      expect(off.status).toBe(200)
      for (const { refresh } of [mine, tokens]) expect((await on.refresh(refresh)).status).toBe(401)
      expect([await on.status(off.json.access), (await on.refresh(off.json.refresh)).status]).toEqual([200, 200])
    })

    it('fresh ones were handed over in their place: whoever copied the old ones has nothing', async () => {
      const { email } = await on.account('renewed@example.org')
      const mine = await on.tokens(email)
      const body = { current_password: password, password: chosen, confirm_password: chosen }
      const answer = await on.client().post('/api/auth/change-password', body, bearer(mine.access))
      expect(answer.headers.getSetCookie()).toEqual([])
      expect(claimsOf(answer.json.access)).toMatchObject({ sid: claimsOf(mine.access).sid, tv: 1 })
      const rows = await on.rowsOf(async () => expect((await on.refresh(mine.refresh)).status).toBe(401))
      expect(rows.map(({ event, reason }) => [event, reason])).toEqual([['token_refresh', 'invalid_token']])
      expect([await on.status(answer.json.access), (await on.refresh(answer.json.refresh)).status]).toEqual([200, 200])
    })
  })
}
