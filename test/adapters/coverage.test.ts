import 'reflect-metadata'
import '../support/events.js'
import {
  auditCoverage,
  auditedControllers,
  type CoveredRoute,
  formatCoverage,
} from '@countersign/adapters/routing-controllers'
import { createAuditTrail, memorySink } from '@countersign/core'
import {
  AbstractSignalMixin,
  AuditEvent,
  mix,
  Throttle,
  withFailedResetAudit,
  withLoginAudit,
  withLogoutAudit,
  withThrottle,
} from '@countersign/mixins'
import express, { type NextFunction, type Request, type Response } from 'express'
import {
  All,
  Authorized,
  Delete,
  Get,
  Head,
  JsonController,
  Method,
  Patch,
  Post,
  Put,
  UseAfter,
  UseBefore,
  useExpressServer,
} from 'routing-controllers'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../support/recording.js'

const actor = (): null => null
function sameOrigin(_request: Request, _response: Response, next: NextFunction): void {
  next()
}
function countBytes(_request: Request, _response: Response, next: NextFunction): void {
  next()
}

@Authorized('staff')
@UseBefore(sameOrigin)
@JsonController('/sessions')
class Sessions {
  @Throttle('login')
  @Post('/')
  @Post('/again')
  @UseAfter(countBytes)
  async post() {}

  @Authorized(['admin', 'owner'])
  @UseBefore(countBytes)
  @Delete('/:id')
  async remove() {}

  @Get('/')
  async list() {}

  @Authorized()
  @Patch('/:id')
  async rename() {}
}

class SessionsController extends mix(
  Sessions,
  (B) => withLoginAudit(B),
  (B) => withLogoutAudit(B, { method: 'remove' }),
  (B) => withThrottle(B, { scope: 'login_again', method: 'post' }),
) {
  static readonly className = 'SessionsController'
  static readonly actor = actor

  @AuditEvent('profile_update')
  @AuditEvent('admin_action')
  @Authorized('owner')
  @Put('/:id/name')
  override async rename() {}
}

@JsonController()
class Odd {
  @AuditEvent('admin_action')
  @Post(/\/things\/\d+/i)
  async matched() {}

  @Throttle('search')
  @Method('lock', '/lock')
  async lock() {}

  @All('/all')
  async all() {}

  @Head('/head')
  async head() {}

  @Method('options', '/options')
  async options() {}

  @Put()
  async root() {}
}

/** Every form of a path that routing-controllers knows. */
@JsonController()
class Plain {
  @Post(/\/things\/\d+/i)
  async matched() {}

  @Get('/users/:id(\\d+)')
  @Delete('/users/:id')
  async users() {}

  @All('/all')
  async all() {}

  @Post()
  async root() {}
}

@JsonController('items')
class PlainBelow {
  @Post(/\/[a-z]+/)
  async matched() {}

  @Method('m-search', '/found')
  async found() {}

  @Put()
  async root() {}
}

interface Layer {
  readonly route?: { readonly path: unknown; readonly stack: ReadonlyArray<{ readonly method: string }> }
}

@JsonController('/invoices')
class Invoices {
  @Post('/pay')
  async pay(..._args: any[]): Promise<unknown> {
    return {}
  }
}
class Told extends AbstractSignalMixin(Invoices, { pay: 'invoice_payment' }) {}
class Untold extends AbstractSignalMixin(Invoices) {
  override async pay(...args: any[]): Promise<unknown> {
    return this.audited('invoice_payment', { invoiceId: 'i-1' }, () => super.pay(...args))
  }
}

/** Declares a route again, without the guards that it has above. */
class Careless extends Sessions {
  @Delete('/:id')
  override async remove() {}
}

/** Audited, and served by no route. */
@Authorized()
@JsonController('/service')
class Service {
  async post() {}
}
class ServiceController extends withFailedResetAudit(Service) {}

const line = ({ httpMethod, path }: { httpMethod: string; path: string }): string => `${httpMethod} ${path}`

function routeOf(routes: readonly CoveredRoute[], wanted: string): CoveredRoute {
  const found = routes.find((route) => line(route) === wanted)
  if (!found) throw new Error(`there is no ${wanted}, but ${routes.map(line).join(', ')}`)
  return found
}

const eventsOf = (route: CoveredRoute): string[] => route.events.map(({ event, by }) => `${event} by ${by}`)

describe('the routes of a coverage', () => {
  const { routes, scopes } = auditCoverage([SessionsController, Odd])

  it.each(['', '/api', 'api'])('are those that Express serves with the prefix %j', (routePrefix) => {
    // Nothing audited: that would not be served without a trail.
    const app = express()
    useExpressServer(app, { routePrefix, controllers: [Plain, PlainBelow], authorizationChecker: () => true })
    const { stack } = (app as unknown as { _router: { stack: Layer[] } })._router
    const served = stack.flatMap(({ route }) => {
      if (!route) return []
      const methods = new Set(route.stack.map(({ method }) => method.toUpperCase()))
      // Express registers @All() under every method that it knows.
      return [...(methods.has('UNLINK') ? ['ALL'] : methods)].map((method) => `${method} ${route.path || '/'}`)
    })
    const listed = auditCoverage([Plain, PlainBelow], { routePrefix }).routes.map(line)
    expect(listed.sort()).toEqual(served.sort())
  })

  it('are all of a handler, and of the nearest declaration only', () => {
    const own = routes.filter(({ controller }) => controller === 'SessionsController').map(line)
    expect(own.sort()).toEqual([
      'DELETE /sessions/:id',
      'GET /sessions/',
      'POST /sessions/',
      'POST /sessions/again',
      'PUT /sessions/:id/name',
    ])
  })

  it('change state unless they are GET, HEAD or OPTIONS', () => {
    const harmless = routes.filter(({ stateChanging }) => !stateChanging).map(line)
    expect(harmless.sort()).toEqual(['GET /sessions/', 'HEAD /head', 'OPTIONS /options'])
    expect(routeOf(routes, 'ALL /all').stateChanging).toBe(true)
    expect(routeOf(routes, 'LOCK /lock').stateChanging).toBe(true)
  })

  it('say what each outcome signals, by mixin and by decorator, however many are stacked', () => {
    const login = routeOf(routes, 'POST /sessions/again')
    expect(login).toMatchObject({ className: 'SessionsController', method: 'post', audited: true, exempt: null })
    expect(login.events).toEqual([
      {
        event: 'login',
        by: 'withLoginAudit',
        outcomes: [
          { outcome: 'success', signal: 'login.success', severity: 'informational' },
          { outcome: 'failure', signal: 'login.failure', severity: 'low' },
          { outcome: 'denied', signal: 'login.denied', severity: 'medium' },
        ],
      },
    ])
    expect(eventsOf(routeOf(routes, 'DELETE /sessions/:id'))).toEqual(['logout by withLogoutAudit'])
    expect(eventsOf(routeOf(routes, 'PUT /sessions/:id/name')).sort()).toEqual([
      "admin_action by @AuditEvent('admin_action')",
      "profile_update by @AuditEvent('profile_update')",
    ])
    expect(eventsOf(routeOf(routes, 'POST /\\/things\\/\\d+/i'))).toEqual([
      "admin_action by @AuditEvent('admin_action')",
    ])
  })

  it('say what may refuse each: throttles, guards of class and method, middlewares before it', () => {
    expect(routeOf(routes, 'POST /sessions/').deniedBy.toSorted()).toEqual([
      '@Authorized staff',
      '@UseBefore sameOrigin',
      'throttle login',
      'throttle login_again',
    ])
    expect(routeOf(routes, 'DELETE /sessions/:id').deniedBy).toEqual([
      '@UseBefore sameOrigin',
      '@UseBefore countBytes',
      '@Authorized staff',
      '@Authorized admin owner',
    ])
    expect(routeOf(routes, 'PUT /sessions/:id/name').deniedBy).toContain('@Authorized owner')
  })

  it('have the guards of the nearest declaration, not those that it left out', () => {
    const careless = auditCoverage([Careless]).routes
    expect(routeOf(careless, 'DELETE /sessions/:id').deniedBy).toEqual(['@UseBefore sameOrigin', '@Authorized staff'])
  })

  it('are the same after a server took the classes', () => {
    const limiter = { name: 'none', scopes: new Set(['login', 'login_again']) } as never
    const trail = createAuditTrail({ sink: memorySink(), limiter })
    const before = auditCoverage([SessionsController])
    const app = express()
    useExpressServer(app, {
      controllers: auditedControllers(trail, [SessionsController]),
      authorizationChecker: () => true,
    })
    expect(auditCoverage([SessionsController])).toEqual(before)
  })

  it('name the handlers of every scope', () => {
    expect(scopes.map(({ scope, handlers }) => `${scope}: ${handlers}`).sort()).toEqual([
      'login: SessionsController.post',
      'login_again: SessionsController.post',
      'search: Odd.lock',
    ])
  })
})

describe('an unaudited route', () => {
  const report = auditCoverage([SessionsController, Odd, Told, Untold])

  it('is one that changes state, and that nothing hooks', () => {
    expect(report.complete).toBe(false)
    expect(report.unaudited.map(({ controller, ...route }) => `${controller} ${line(route)}`).sort()).toEqual([
      'Odd ALL /all',
      'Odd LOCK /lock',
      'Odd PUT /',
      'Untold POST /invoices/pay',
    ])
  })

  it('is one that is throttled only: it leaves a row when it is refused, and else none', () => {
    expect(routeOf(report.unaudited, 'LOCK /lock').events).toEqual([
      {
        event: 'rate_limit',
        by: 'throttle search',
        outcomes: [{ outcome: 'denied', signal: 'rate_limit.denied', severity: 'high' }],
      },
    ])
  })

  it('is not one of a hand-written mixin that says what it audits', () => {
    const [told] = report.routes.filter(({ controller }) => controller === 'Told')
    expect(told).toMatchObject({ audited: true, events: [{ event: 'invoice_payment', by: 'AbstractSignalMixin' }] })
  })

  it('is in the table for people, with what to do', () => {
    const table = formatCoverage(report)
    expect(table).toMatch(/^PUT \/ +Odd\.root +NOT AUDITED$/m)
    expect(table).toMatch(
      /^GET \/sessions\/ +SessionsController\.list +not audited +@UseBefore sameOrigin, @Authorized staff$/m,
    )
    expect(table).toMatch(
      /^POST \/sessions\/again +SessionsController\.post +login +informational +low +medium +withLoginAudit +throttle login/m,
    )
    expect(table).toMatch(/^PUT \/ is not audited\. Extend Odd with a mixin, put @AuditEvent on root\(\)/m)
    expect(table).toMatch(/^login +SessionsController\.post$/m)
  })
})

describe('an exemption', () => {
  const exempt = { 'PUT /': 'answers and forgets', 'ALL /all': 'echoes', 'LOCK /lock': 'a probe' }

  it('excuses a route, and shows its reason', () => {
    const report = auditCoverage([Odd], { exempt })
    expect(report).toMatchObject({ complete: true, unaudited: [], needlessExemptions: [] })
    expect(routeOf(report.routes, 'PUT /')).toMatchObject({ audited: false, exempt: 'answers and forgets' })
    expect(formatCoverage(report)).toMatch(/^PUT \/ +Odd\.root +exempt: answers and forgets$/m)
    expect(formatCoverage(report)).toContain('4 of 6 routes change state: 1 audited, 3 exempt.')
  })

  it.each([
    ['no route', 'POST /nowhere'],
    ['a route that is audited', 'POST /\\/things\\/\\d+/i'],
    ['a route that changes nothing', 'HEAD /head'],
    ['a name that every object has', 'constructor'],
  ])('of %s is an error itself', (_title, key) => {
    const report = auditCoverage([Odd], { exempt: { ...exempt, [key]: 'because' } })
    expect(report).toMatchObject({ complete: false, unaudited: [], needlessExemptions: [key] })
    expect(formatCoverage(report)).toContain(`The exemption of '${key}' is that of no unaudited route`)
  })

  it('needs a reason', () => {
    expect(codeOf(() => auditCoverage([Odd], { exempt: { 'PUT /': ' ' } }))).toBe('SETTING_INVALID')
  })
})

describe('auditCoverage', () => {
  it('lists audited methods that no route serves', () => {
    const { routes, handlers } = auditCoverage([ServiceController])
    expect(routes).toEqual([])
    expect(handlers).toMatchObject([
      {
        controller: 'ServiceController',
        className: null,
        method: 'post',
        events: [{ event: 'password_reset_request' }],
        deniedBy: [],
      },
    ])
  })

  it('takes severities from the trail of the controller, else from the given one', () => {
    const events = { invoice_payment: { severity: 'critical' } } as const
    const trail = createAuditTrail({ sink: memorySink(), events })
    const severities = (controller: typeof Told, options = {}): unknown[] =>
      auditCoverage([controller], options).routes.flatMap((route) =>
        route.events.flatMap(({ outcomes }) => outcomes.map(({ severity }) => severity)),
      )
    class WithTrail extends Told {
      static readonly trail = trail
    }
    expect(severities(Told)).toEqual(['informational', 'low', 'medium'])
    expect(severities(Told, { trail })).toEqual(['critical', 'critical', 'critical'])
    expect(severities(WithTrail)).toEqual(['critical', 'critical', 'critical'])
  })

  it('takes each class once, and refuses what is none', () => {
    expect(auditCoverage([Odd, Odd]).routes).toHaveLength(6)
    expect(codeOf(() => auditCoverage([undefined as never]))).toBe('CONTROLLERS_INVALID')
    expect(codeOf(() => auditCoverage({ Odd } as never))).toBe('CONTROLLERS_INVALID')
  })
})
