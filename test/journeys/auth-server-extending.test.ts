import { createSecretKey, randomBytes } from 'node:crypto'
import {
  type AuthServices,
  authControllers,
  createAuthServer,
  currentUser,
  type Feature,
  featureControllers,
  LoginController,
  overriding,
  principalOf,
  SessionsController,
  SignupController,
} from '@countersign/auth'
import { rowId } from '@countersign/core'
import type { Request } from 'express'
import { Authorized, Get, JsonController, Req } from 'routing-controllers'
import { describe, expect, it } from 'vitest'
import { places, secret, unlimited } from '../support/auth-systems.js'
import { password, passwordJourneys } from '../support/password-journeys.js'

const { make } =
  places.find(({ name, here }) => here && name === 'PostgreSQL') ?? (places[0] as (typeof places)[number])
const publicUrl = 'http://127.0.0.1:3000'

@JsonController('/api/auth/whoami')
class WhoAmIController {
  static readonly className: string = 'WhoAmIController'
  static readonly actor = currentUser
  readonly #services: AuthServices
  constructor(services: AuthServices) {
    this.#services = services
  }
  @Authorized()
  @Get()
  async get(@Req() request: Request) {
    const { email, userId } = principalOf(request)
    return { email, first_name: (await this.#services.profiles.of(userId)).firstName }
  }
}

class OwnLoginController extends LoginController {
  static override readonly className: string = 'OwnLoginController'
}

/** A route of each feature that can be switched off. */
const routes: Record<Feature, [method: string, path: string]> = {
  signup: ['POST', 'signup'],
  passwordReset: ['POST', 'password-reset'],
  passwordChange: ['POST', 'change-password'],
  emailChange: ['POST', 'change-email'],
  twoFactor: ['POST', '2fa/setup'],
  tokens: ['POST', 'token'],
  sessions: ['GET', 'sessions'],
  loginHistory: ['GET', 'login-history'],
  profiles: ['GET', 'profile'],
  admin: ['GET', 'admin/users'],
  audit: ['GET', '../audit/events'],
}
const features = Object.keys(routes) as Feature[]
const off = Object.fromEntries(features.map((feature) => [feature, false]))

describe('a server with everything switched off that can be', () => {
  const on = passwordJourneys(make, { features: off, limits: unlimited })
  it.each(features)('has no route of %s', async (feature) => {
    const [method, path] = routes[feature]
    const body = method === 'POST' ? { body: '{}', headers: { 'content-type': 'application/json' } } : {}
    const answer = await on.client().request(`/api/auth/${path}`, { method, ...body })
    expect([answer.status, answer.json.code]).toEqual([404, 'not_found'])
  })

  it('still lets people in and out', async () => {
    await on.system.auth.services.accounts.ensureAdmin('root@example.org', password)
    const client = await on.session('root@example.org')
    expect((await client.post('/api/auth/logout')).status).toBe(204)
  })
})

describe('a key of the host’s own', () => {
  const kid = rowId()
  const secret = createSecretKey(randomBytes(32))
  const key = { kid, algorithm: 'HS256' as const, signing: secret, verifying: secret }
  const on = passwordJourneys(make, {
    limits: unlimited,
    services: {
      signingKeys: (ours) =>
        overriding(ours, {
          current: async () => key,
          find: (id) => (id === kid ? Promise.resolve(key) : ours.find(id)),
        }),
    },
  })

  it('signs what is taken once its row is where sessions are looked up, and until that expires', async () => {
    const { email } = await on.account('ada@example.org')
    const client = await on.session(email)
    expect(await on.isIn(client)).toBe(false)
    await on.sql(
      "insert into auth_signing_key (kid, algorithm, sealed_jwk, created_at) values (?, 'HS256', 'elsewhere', now())",
      [kid],
    )
    expect(await on.isIn(client)).toBe(true)
    await on.sql('update auth_signing_key set retired_at = now(), expires_at = now() where kid = ?', [kid])
    expect(await on.isIn(client)).toBe(false)
  })
})

describe('a server that a host extended', () => {
  const on = passwordJourneys(make, {
    limits: unlimited,
    features: { profiles: true },
    controllers: [OwnLoginController, WhoAmIController, SessionsController],
    services: {
      profiles: (ours) =>
        overriding(ours, { of: async (userId) => Object.assign(await ours.of(userId), { firstName: 'Replaced' }) }),
      mails: (ours) => overriding(ours, { passwordChanged: () => ({ subject: 'Ours', text: 'x', html: 'x' }) }),
    },
  })

  it('serves a controller in the place of the one that it extends, with its one row', async () => {
    const { email } = await on.account('ada@example.org')
    const rows = await on.rowsOf(() => on.session(email))
    expect(rows).toMatchObject([{ event: 'login', outcome: 'success', className: 'OwnLoginController' }])
    expect(rows).toHaveLength(1)
  })

  it('serves a controller of the host beside ours, which is made with the services', async () => {
    const { email } = await on.account('bob@example.org')
    const answer = await (await on.session(email)).get('/api/auth/whoami')
    expect(answer.json).toEqual({ email, first_name: 'Replaced' })
    expect((await on.client().get('/api/auth/whoami')).status).toBe(401)
  })

  it('uses a replaced service wherever ours was used, and ours for what that leaves', async () => {
    const { email } = await on.account('eve@example.org')
    const client = await on.session(email)
    expect((await client.get('/api/auth/profile')).json.first_name).toBe('Replaced')
    expect((await on.change(client, password, 'another good password')).status).toBe(200)
    const [newest, older] = (await on.mails()).filter(({ to }) => to === email)
    expect([newest?.subject, older?.subject]).toEqual(['Ours', 'Please verify your e-mail address'])
  })
})

describe('a server is refused', () => {
  class One extends SignupController {
    static override readonly className: string = 'One'
  }
  class Two extends SignupController {
    static override readonly className: string = 'Two'
  }
  it.each([
    ['two controllers for one place', { controllers: [One, Two] }, /One and Two both extend SignupController/],
    ['what is no controller', { controllers: [class {}] }, /controllers\[0\] must be a class with a className/],
    ['a service that there is none of', { services: { mailer: () => null } }, /services\.mailer is no setting/],
    ['a service that is not made', { services: { mails: {} } }, /services\.mails must be a function/],
    [
      'a feature that there is none of',
      { features: { login: false } },
      /features\.login is no setting; there are: signup/,
    ],
    ['a migration that is none', { migrations: ['x'] }, /migrations\[0\] must be/],
  ])('with %s', async (_what, own, fault) => {
    const settings = { database: { folder: '/dev/null/nowhere' }, secret, publicUrl, ...own }
    await expect(createAuthServer(settings as never)).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      message: expect.stringMatching(fault),
    })
  })
})

it('every controller belongs to one feature, or is always there', () => {
  const always = authControllers.filter(
    (ours) => !features.some((f) => (featureControllers[f] as readonly unknown[]).includes(ours)),
  )
  expect(always.map(({ className }) => className).sort()).toEqual([
    'CsrfController',
    'LoginController',
    'LogoutController',
    'RefreshController',
    'VerifyAccountController',
    'VerifyLoginController',
  ])
})
