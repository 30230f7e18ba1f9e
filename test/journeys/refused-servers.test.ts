import 'reflect-metadata'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers } from '@countersign/adapters/routing-controllers'
import { createAuditTrail, memorySink } from '@countersign/core'
import { AuditEvent, Throttle, withFailedResetAudit, withLoginAudit } from '@countersign/mixins'
import { Authorized, Body, JsonController, Post, UseBefore } from 'routing-controllers'
import { describe, expect, it } from 'vitest'
import { drivers } from '../support/drivers.js'
import { PasswordReset, type ResetRequest, teapot, Vault } from '../support/guarded-controllers.js'

const trail = createAuditTrail({ sink: memorySink(), limiter: flexibleLimiter({ scopes: { reset: '2/min' } }) })
const actor = () => null

describe('a server does not start', () => {
  const refusal = (...controllers: unknown[]): string => {
    try {
      auditedControllers(trail, controllers as never)
    } catch (error) {
      return String((error as Error).message)
    }
    return 'started'
  }

  it.each(drivers)(
    'where an audited subclass would lose a guard because it was registered by itself, on $name',
    (driver) => {
      class Forgotten extends withFailedResetAudit(PasswordReset) {
        static readonly className = 'Forgotten'
        static readonly actor = actor
      }
      JsonController('/forgotten')(Forgotten)
      expect(() => driver.create([Forgotten])).toThrow(/auditedControllers\(trail, \[Forgotten\]\)/)
    },
  )

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

  it.each(drivers)('where the adapter was imported and never used, on $name', async ({ name }) => {
    const script = `
      import 'reflect-metadata'
      import '@countersign/adapters/routing-controllers'
      import { createAuditTrail, memorySink } from '@countersign/core'
      import { withLoginAudit } from '@countersign/mixins'
      import { Authorized, create${name}Server, JsonController, Post } from 'routing-controllers'
      class Base { async post() { return { secret: 1 } } }
      Post('/x')(Base.prototype, 'post'); Authorized('admin')(Base.prototype, 'post'); JsonController()(Base)
      class X extends withLoginAudit(Base) { static className = 'X'; static actor = () => null; static trail = createAuditTrail({ sink: memorySink() }) }
      JsonController()(X)
      create${name}Server({ controllers: [X], authorizationChecker: () => false })`
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
