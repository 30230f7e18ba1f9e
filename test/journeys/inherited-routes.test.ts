import 'reflect-metadata'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers, safeDefaults } from '@countersign/adapters/routing-controllers'
import { createAuditTrail, memorySink } from '@countersign/core'
import {
  AuditEvent,
  mix,
  Throttle,
  withFailedResetAudit,
  withLoginAudit,
  withLogoutAudit,
  withThrottle,
} from '@countersign/mixins'
import { IsEmail } from 'class-validator'
import type { Response as ExpressResponse, NextFunction, Request } from 'express'
import {
  Authorized,
  Body,
  createExpressServer,
  Get,
  Header,
  HttpCode,
  type InterceptorInterface,
  JsonController,
  Param,
  Post,
  UseBefore,
  UseInterceptor,
} from 'routing-controllers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { post, type Served, serve } from '../support/serve.js'

class ResetRequest {
  @IsEmail() email!: string
}

class Wrapped implements InterceptorInterface {
  intercept(_action: unknown, result: unknown) {
    return { wrapped: result }
  }
}

function teapot(request: Request, response: ExpressResponse, next: NextFunction): void {
  if (request.headers['x-tea']) response.status(418).end()
  else next()
}

const isAdmin = ({ request }: { request: Request }) => request.headers.authorization === 'admin'

@JsonController('/reset')
class PasswordReset {
  @Post('/:tenant')
  @HttpCode(202)
  @Header('x-kept', 'yes')
  @UseInterceptor(Wrapped)
  @UseBefore(teapot)
  async post(@Param('tenant') tenant: string, @Body() body: ResetRequest) {
    return { tenant, email: body.email }
  }

  @Authorized('admin')
  @Post('/:tenant/all')
  async all(@Body() _body: ResetRequest) {
    return { all: true }
  }
}

@Authorized('admin')
@JsonController('/vault')
class Vault {
  @Get('/')
  async post() {
    return { gold: true }
  }
}

const sink = memorySink()
const trail = createAuditTrail({ sink, limiter: flexibleLimiter({ scopes: { reset: '2/min' } }) })
const actor = () => null
let served: Served | undefined

async function start(...controllers: unknown[]): Promise<string> {
  const app = createExpressServer({
    ...safeDefaults,
    controllers: auditedControllers(trail, controllers as never),
    authorizationChecker: isAdmin as never,
  })
  served = await serve(app)
  return served.url
}

beforeEach(() => sink.clear())
afterEach(async () => {
  await served?.close()
  served = undefined
})

describe('a mixin over a decorated controller', () => {
  class PasswordResetController extends withFailedResetAudit(PasswordReset) {
    static readonly className = 'PasswordResetController'
    static readonly actor = actor
  }

  it('keeps parameters, status code, headers and interceptors', async () => {
    const response = await post(`${await start(PasswordResetController)}/reset/acme`, { email: 'a@b.co' })
    expect(response.status).toBe(202)
    expect(response.headers.get('x-kept')).toBe('yes')
    expect(await response.json()).toEqual({ wrapped: { tenant: 'acme', email: 'a@b.co' } })
    expect(sink.rows).toMatchObject([
      { event: 'password_reset_request', outcome: 'success', status: 202, route: '/reset/:tenant' },
    ])
  })

  it('keeps middlewares, and sees what they refuse', async () => {
    const response = await post(
      `${await start(PasswordResetController)}/reset/acme`,
      { email: 'a@b.co' },
      { 'x-tea': '1' },
    )
    expect(response.status).toBe(418)
    expect(sink.rows).toMatchObject([{ outcome: 'failure', status: 418 }])
  })

  it('keeps validation', async () => {
    const response = await post(`${await start(PasswordResetController)}/reset/acme`, { email: 'nobody' })
    expect(response.status).toBe(400)
    expect(sink.rows).toMatchObject([{ outcome: 'failure', reason: 'validation_failed' }])
  })

  it('keeps the guard of a method', async () => {
    const url = `${await start(PasswordResetController)}/reset/acme/all`
    expect((await post(url, { email: 'a@b.co' })).status).toBe(403)
    expect((await post(url, { email: 'a@b.co' }, { authorization: 'admin' })).status).toBe(200)
  })

  it('keeps the guard of a class', async () => {
    class VaultController extends withLoginAudit(Vault) {
      static readonly className = 'VaultController'
      static readonly actor = actor
    }
    const url = `${await start(VaultController)}/vault`
    expect((await fetch(url)).status).toBe(403)
    expect((await fetch(url, { headers: { authorization: 'admin' } })).status).toBe(200)
    expect(sink.rows).toMatchObject([{ outcome: 'denied', reason: 'forbidden' }, { outcome: 'success' }])
  })

  it('keeps all of it through several mixins, and audits each event once', async () => {
    class Stacked extends mix(
      PasswordReset,
      (Base) => withLoginAudit(Base),
      (Base) => withFailedResetAudit(Base),
      (Base) => withLogoutAudit(Base, { method: 'all' }),
      (Base) => withThrottle(Base, { scope: 'reset', method: 'post' }),
    ) {
      static readonly className = 'Stacked'
      static readonly actor = actor
    }
    const url = await start(Stacked)
    expect(await (await post(`${url}/reset/acme`, { email: 'a@b.co' })).json()).toEqual({
      wrapped: { tenant: 'acme', email: 'a@b.co' },
    })
    expect(sink.rows.map(({ event }) => event).sort()).toEqual(['login', 'password_reset_request'])
    expect((await post(`${url}/reset/acme/all`, { email: 'a@b.co' })).status).toBe(403)
    expect(sink.rows.at(-1)).toMatchObject({ event: 'logout', outcome: 'denied' })
    await post(`${url}/reset/acme`, { email: 'a@b.co' })
    expect((await post(`${url}/reset/acme`, { email: 'a@b.co' })).status).toBe(429)
    expect(sink.rows.slice(-2)).toMatchObject([
      { outcome: 'denied', scope: 'reset' },
      { outcome: 'denied', scope: 'reset' },
    ])
  })

  it('serves the same class from two servers with two trails, each with its own rows', async () => {
    const other = memorySink()
    const first = await start(PasswordResetController)
    const app = createExpressServer({
      ...safeDefaults,
      controllers: auditedControllers(createAuditTrail({ sink: other }), [PasswordResetController]),
      authorizationChecker: isAdmin as never,
    })
    const second = await serve(app)
    await post(`${first}/reset/one`, { email: 'a@b.co' })
    await post(`${second.url}/reset/two`, { email: 'a@b.co' })
    await second.close()
    expect(sink.rows).toHaveLength(1)
    expect(other.rows).toHaveLength(1)
  })

  it('lets the throttled hook shape the refusal, and not lift it', async () => {
    class Shaped extends withThrottle(withFailedResetAudit(PasswordReset), { scope: 'reset', method: 'post' }) {
      static readonly className = 'Shaped'
      static readonly actor = actor
      override async throttled() {
        return { sorry: true }
      }
    }
    const url = `${await start(Shaped)}/reset/shaped`
    const hits = []
    for (let n = 0; n < 3; n++) hits.push(await post(url, { email: 'a@b.co' }))
    const last = hits.at(-1) as Response
    expect(last.status).toBe(429)
    expect(await last.json()).toEqual({ sorry: true })
    expect(last.headers.get('retry-after')).toMatch(/^\d+$/)
  })

  it('accepts a className that is an instance field', async () => {
    class Field extends withFailedResetAudit(PasswordReset) {
      static readonly actor = actor
      className = 'FieldController'
    }
    await post(`${await start(Field)}/reset/acme`, { email: 'a@b.co' })
    expect(sink.rows).toMatchObject([{ className: 'FieldController' }])
  })
})

describe('an override of a routed method', () => {
  it('keeps the validation that was declared, whatever type it gives its parameter itself', async () => {
    class Untyped extends withFailedResetAudit(PasswordReset) {
      static readonly className = 'Untyped'
      static readonly actor = actor
      @AuditEvent('login')
      override async post(tenant: string, body: any) {
        return super.post(tenant, body)
      }
    }
    const response = await post(`${await start(Untyped)}/reset/acme`, { email: 'nobody', isAdmin: true })
    expect(response.status).toBe(400)
    expect(sink.rows).toHaveLength(2)
  })

  it('keeps the parameters that it does not decorate again', async () => {
    class Partly extends withFailedResetAudit(PasswordReset) {
      static readonly className = 'Partly'
      static readonly actor = actor
      override async post(tenant: string, @Body() body: ResetRequest) {
        return super.post(tenant, body)
      }
    }
    const response = await post(`${await start(Partly)}/reset/acme`, { email: 'a@b.co' })
    expect(await response.json()).toEqual({ wrapped: { tenant: 'acme', email: 'a@b.co' } })
  })
})

describe('a server does not start', () => {
  const refusal = (...controllers: unknown[]): string => {
    try {
      auditedControllers(trail, controllers as never)
    } catch (error) {
      return String((error as Error).message)
    }
    return 'started'
  }

  it('where an audited subclass would lose a guard because it was registered by itself', () => {
    class Forgotten extends withFailedResetAudit(PasswordReset) {
      static readonly className = 'Forgotten'
      static readonly actor = actor
    }
    JsonController('/forgotten')(Forgotten)
    expect(() => createExpressServer({ controllers: [Forgotten] })).toThrow(
      /auditedControllers\(trail, \[Forgotten\]\)/,
    )
  })

  it('where a subclass declares a guarded route again without its guard', () => {
    class Reckless extends withFailedResetAudit(PasswordReset) {
      static readonly className = 'Reckless'
      static readonly actor = actor
      override async all(body: ResetRequest) {
        return super.all(body)
      }
    }
    Post('/:tenant/all')(Reckless.prototype, 'all')
    const report = refusal(Reckless)
    expect(report).toContain('[GUARD_LOST]')
    expect(report).toContain('[PARAMETERS_LOST]')
  })

  it.each<[string, (Class: any) => void]>([
    ['another middleware', (Class) => UseBefore(teapot)(Class.prototype, 'all')],
    ['a guard without the role', (Class) => Authorized()(Class.prototype, 'all')],
    ['a guard with another role', (Class) => Authorized('clerk')(Class.prototype, 'all')],
  ])('where a subclass declares a guarded route again with %s only', (_title, decorate) => {
    class Weaker extends withFailedResetAudit(PasswordReset) {
      static readonly className = 'Weaker'
      static readonly actor = actor
      override async all(body: ResetRequest) {
        return super.all(body)
      }
    }
    Post('/:tenant/all')(Weaker.prototype, 'all')
    Body()(Weaker.prototype, 'all', 0)
    decorate(Weaker)
    expect(refusal(Weaker)).toContain('[GUARD_LOST] Weaker.all() declares the route of PasswordReset.all() again')
  })

  it('where a subclass declares the guard of its class again without the role', () => {
    class OpenVault extends withLoginAudit(Vault) {
      static readonly className = 'OpenVault'
      static readonly actor = actor
    }
    Authorized()(OpenVault)
    expect(refusal(OpenVault)).toContain(
      '[GUARD_LOST] OpenVault declares the guard of Vault again without its @Authorized("admin")',
    )
  })

  it('where the adapter was imported and never used', async () => {
    const script = `
      import 'reflect-metadata'
      import '@countersign/adapters/routing-controllers'
      import { createAuditTrail, memorySink } from '@countersign/core'
      import { withLoginAudit } from '@countersign/mixins'
      import { Authorized, createExpressServer, JsonController, Post } from 'routing-controllers'
      class Base { async post() { return { secret: 1 } } }
      Post('/x')(Base.prototype, 'post'); Authorized('admin')(Base.prototype, 'post'); JsonController()(Base)
      class X extends withLoginAudit(Base) { static className = 'X'; static actor = () => null; static trail = createAuditTrail({ sink: memorySink() }) }
      JsonController()(X)
      createExpressServer({ controllers: [X], authorizationChecker: () => false })`
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      cwd: new URL('..', import.meta.url),
    })
    await expect(run).rejects.toThrow(/auditedControllers\(trail, \[X\]\)/)
  })

  it('and reports every fault of every controller at once', () => {
    class Nameless extends withFailedResetAudit(PasswordReset) {}
    @JsonController()
    class Decorated {
      @AuditEvent('login')
      @Throttle('nowhere')
      @Post('/decorated')
      async login() {
        return {}
      }
    }
    class One extends withFailedResetAudit(PasswordReset) {
      static readonly className = 'Same'
      static readonly actor = actor
    }
    class Two extends withFailedResetAudit(PasswordReset) {
      static readonly className = 'Same'
      static readonly actor = actor
    }
    class Unserved extends withLoginAudit(
      class {
        async post() {}
      },
    ) {
      static readonly className = 'Unserved'
      static readonly actor = actor
    }
    @JsonController()
    class Typo {
      static readonly className = 'Typo'
      static readonly actor = actor
      @AuditEvent('logn' as never)
      @Post('/typo')
      async login() {
        return {}
      }
    }
    const report = refusal(Nameless, Decorated, One, Two, Unserved, Typo)
    expect(report).toContain('8 fault(s)')
    for (const line of [
      "[CLASS_NAME_INVALID] Nameless has no className of its own. Write: static readonly className = 'Nameless'",
      '[ACTOR_SOURCE_MISSING] Nameless',
      '[CLASS_NAME_INVALID] Decorated',
      '[ACTOR_SOURCE_MISSING] Decorated',
      '[SCOPE_UNKNOWN] Decorated.login()',
      '[CLASS_NAME_TAKEN] Two',
      '[ROUTES_LOST] Unserved',
      "[EVENT_UNKNOWN] @AuditEvent('logn') on Typo.login()",
    ])
      expect(report).toContain(line)
  })
})
