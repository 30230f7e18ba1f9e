import 'reflect-metadata'
import type { EventName } from '@countersign/core'
import {
  AbstractSignalMixin,
  AuditEvent,
  auditMixin,
  Throttle,
  withBackupCodesAudit,
  withEmailChangeAudit,
  withEmailChangeRequestAudit,
  withEmailChangeUndoAudit,
  withEmailVerificationAudit,
  withFailedResetAudit,
  withFileUploadAudit,
  withLoginAudit,
  withLogoutAudit,
  withPasswordChangeAudit,
  withPasswordResetAudit,
  withProfileUpdateAudit,
  withSessionRevokeAllAudit,
  withSessionRevokeAudit,
  withSignupAudit,
  withThrottle,
  withTokenRefreshAudit,
  withTwoFactorChallengeAudit,
  withTwoFactorDisableAudit,
  withTwoFactorEnableAudit,
  withTwoFactorSetupAudit,
  withVerificationMailAudit,
} from '@countersign/mixins'
import { IsEmail, IsOptional, IsString } from 'class-validator'
import fc from 'fast-check'
import {
  Authorized,
  Body,
  Get,
  Header,
  HeaderParam,
  HttpCode,
  HttpError,
  type InterceptorInterface,
  JsonController,
  Param,
  Patch,
  Post,
  Put,
  QueryParam,
  UseBefore,
  UseInterceptor,
} from 'routing-controllers'

/** A controller as users write them, and the audits that are stacked upon it. */
export interface StackSpec {
  readonly verb: keyof typeof verbs
  readonly method: 'post' | 'login' | 'pay'
  readonly handler: keyof typeof handlers
  readonly httpCode: 0 | 201 | 202 | 203
  readonly header: boolean
  readonly guard: Place
  readonly middleware: Place
  readonly interceptor: Place
  /** An event that the controller's own method is decorated with, above or below its route. */
  readonly own: { readonly event: EventName; readonly above: boolean } | null
  /** Innermost first. */
  readonly layers: readonly LayerSpec[]
}

type Place = 'none' | 'method' | 'class'

interface LayerSpec {
  readonly kind: LayerKind
  readonly event: EventName
}

type LayerKind =
  | 'mixin'
  | 'decorator'
  | 'by hand'
  | 'by hand, undeclared'
  | 'throttle mixin'
  | 'throttle decorator'
  | 'override'
  | 'class'

class Submitted {
  @IsEmail() email!: string
  @IsOptional() @IsString() note?: string
}

class Wrapped implements InterceptorInterface {
  intercept(_action: unknown, result: unknown) {
    return result === undefined || result === null ? result : { wrapped: result }
  }
}

interface Incoming {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** A middleware for both drivers: it refuses who sends `x-tea`, with an error that both know. */
function teapot(first: unknown, second: unknown, third?: () => unknown): unknown {
  const { request, headers } = first as { request?: Incoming } & Incoming
  if ((request?.headers ?? headers)['x-tea']) throw new HttpError(418, 'tea')
  return (third ?? (second as () => unknown))()
}

const verbs = { Get, Post, Put, Patch }

/** What the handler does after it has seen its arguments. */
export const handlers = {
  returns: (seen: object) => seen,
  'returns null': () => null,
  'returns nothing': () => undefined,
  'throws 401': () => {
    throw Object.assign(new HttpError(401), { reason: 'bad_credentials' })
  },
  'throws 409': () => {
    throw new HttpError(409)
  },
  crashes: () => {
    throw new TypeError('broken')
  },
}

type Mixin = (Base: never, options: { readonly method: string }) => AnyController

/** The mixins that there are, by their event; those that take the submitted address are in the first four. */
const mixins: Readonly<Partial<Record<EventName, Mixin>>> = {
  login: withLoginAudit,
  signup: withSignupAudit,
  password_reset_request: withFailedResetAudit,
  email_verification_request: withVerificationMailAudit,
  logout: withLogoutAudit,
  email_verification: withEmailVerificationAudit,
  password_change: withPasswordChangeAudit,
  password_reset: withPasswordResetAudit,
  two_factor_setup: withTwoFactorSetupAudit,
  two_factor_enable: withTwoFactorEnableAudit,
  two_factor_disable: withTwoFactorDisableAudit,
  two_factor_challenge: withTwoFactorChallengeAudit,
  backup_codes_regenerate: withBackupCodesAudit,
  file_upload: withFileUploadAudit,
  email_change: withEmailChangeAudit,
  email_change_request: withEmailChangeRequestAudit,
  email_change_undo: withEmailChangeUndoAudit,
  profile_update: withProfileUpdateAudit,
  token_refresh: withTokenRefreshAudit,
  session_revoke: withSessionRevokeAudit,
  session_revoke_all: withSessionRevokeAllAudit,
}
export const identifying: readonly string[] = Object.keys(mixins).slice(0, 4)

const eventPool: readonly EventName[] = [...(Object.keys(mixins) as EventName[]), 'session_expire', 'token_reuse']
const kinds: readonly LayerKind[] = [
  'mixin',
  'mixin',
  'decorator',
  'decorator',
  'by hand',
  'by hand, undeclared',
  'throttle mixin',
  'throttle decorator',
  'override',
  'class',
]
const place = fc.constantFrom<Place>('none', 'none', 'method', 'class')

/** Any stack: every audit of an event of its own, every scope once. */
export const stackSpecs: fc.Arbitrary<StackSpec> = fc
  .record({
    verb: fc.constantFrom(...(Object.keys(verbs) as Array<keyof typeof verbs>)),
    method: fc.constantFrom<StackSpec['method']>('post', 'login', 'pay'),
    handler: fc.constantFrom(...(Object.keys(handlers) as Array<keyof typeof handlers>)),
    httpCode: fc.constantFrom<StackSpec['httpCode']>(0, 201, 202, 203),
    header: fc.boolean(),
    guard: place,
    middleware: place,
    interceptor: place,
    own: fc.option(fc.record({ above: fc.boolean() })),
    kinds: fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 6 }),
    events: fc.shuffledSubarray([...eventPool], { minLength: 7, maxLength: 7 }),
  })
  .map(({ kinds: chosen, events, own, ...rest }) => {
    const once = chosen.filter((kind, index) => !kind.startsWith('throttle') || chosen.indexOf(kind) === index)
    const [ownEvent, ...others] = events as [EventName, ...EventName[]]
    const layers = once.map((kind, index) => ({ kind, event: others[index] as EventName }))
    return { ...rest, own: own && { ...own, event: ownEvent }, layers }
  })

type AnyController = abstract new (...args: any[]) => any
type Handler = (...args: unknown[]) => Promise<unknown>

/** The controller of a spec as its author wrote it, without any audit but a decorator of its own. */
export function bareController(spec: StackSpec, path: string, audit?: MethodDecorator): AnyController {
  const { method, handler } = spec
  class Written {
    async peek(): Promise<unknown> {
      return { peeked: true }
    }
  }
  const handle: Record<string, Handler> = {
    async [method](id, body, note, agent) {
      return handlers[handler]({ id, body, note, agent, is: this instanceof Written })
    },
  }
  const { prototype } = Written
  Object.defineProperty(prototype, method, { value: handle[method], configurable: true, writable: true })
  if (audit && !spec.own?.above) applyTo(Written, method, audit)
  decorateRoute(spec, prototype)
  if (audit && spec.own?.above) applyTo(Written, method, audit)
  if (spec.guard === 'class') Authorized('admin')(Written)
  if (spec.middleware === 'class') UseBefore(teapot as never)(Written)
  if (spec.interceptor === 'class') UseInterceptor(Wrapped as never)(Written)
  JsonController(path)(Written)
  return Written
}

function decorateRoute(spec: StackSpec, prototype: object): void {
  const { verb, method, httpCode, header, guard, middleware, interceptor } = spec
  const takesBody = verb !== 'Get'
  const types = [String, takesBody ? Submitted : Object, String, String]
  Reflect.defineMetadata('design:paramtypes', types, prototype, method)
  Reflect.defineMetadata('design:returntype', Promise, prototype, method)
  Param('id')(prototype, method, 0)
  if (takesBody) Body()(prototype, method, 1)
  QueryParam('note')(prototype, method, 2)
  HeaderParam('user-agent')(prototype, method, 3)
  verbs[verb]('/:id')(prototype, method)
  Get('/:id/peek')(prototype, 'peek')
  const all: Array<[boolean, MethodDecorator]> = [
    [httpCode !== 0, HttpCode(httpCode || 200) as MethodDecorator],
    [header, Header('x-kept', 'yes') as MethodDecorator],
    [guard === 'method', Authorized('admin') as MethodDecorator],
    [middleware === 'method', UseBefore(teapot as never) as MethodDecorator],
    [interceptor === 'method', UseInterceptor(Wrapped as never) as MethodDecorator],
  ]
  for (const [applies, decorator] of all) if (applies) decorator(prototype, method, {})
}

/** The same controller with its own decorator and every layer on top, as a server is given it. */
export function auditedController(spec: StackSpec, path: string): AnyController {
  const Written = bareController(spec, path, spec.own ? (AuditEvent(spec.own.event) as MethodDecorator) : undefined)
  const Stack = spec.layers.reduce<AnyController>((Base, layer) => layered(Base, layer, spec.method), Written)
  class Leaf extends (Stack as new (...args: any[]) => object) {
    static readonly className = 'Leaf'
    static readonly actor = (): null => null
  }
  return Leaf
}

function layered(Base: AnyController, { kind, event }: LayerSpec, method: string): AnyController {
  switch (kind) {
    case 'mixin':
      return mixins[event]?.(Base as never, { method }) ?? auditMixin({ event, method })(Base as never)
    case 'by hand':
      return byHand(Base, event, method, { [method]: event })
    case 'by hand, undeclared':
      return byHand(Base, event, method, {})
    case 'throttle mixin':
      return withThrottle(Base as never, { scope: 'wide', method })
    case 'decorator':
      return applyTo(overridden(Base, method), method, AuditEvent(event) as MethodDecorator)
    case 'throttle decorator':
      return applyTo(overridden(Base, method), method, Throttle('tight') as MethodDecorator)
    case 'override':
      return overridden(Base, method)
    case 'class':
      return class extends (Base as new (...args: any[]) => object) {}
  }
}

function byHand(
  Base: AnyController,
  event: EventName,
  method: string,
  methods: Record<string, EventName>,
): AnyController {
  abstract class HandAudited extends AbstractSignalMixin(Base, methods) {}
  define(HandAudited, Base, method, function (this: any, next) {
    return this.audited(event, {}, next)
  })
  return HandAudited
}

/** A class on top that overrides the method and hands on to the one below. */
function overridden(Base: AnyController, method: string): AnyController {
  abstract class Override extends (Base as new (...args: any[]) => object) {}
  define(Override, Base, method, (next) => next())
  return Override
}

function define(
  target: AnyController,
  Base: AnyController,
  method: string,
  around: (next: () => Promise<unknown>) => Promise<unknown>,
): void {
  const value = async function (this: unknown, ...args: unknown[]): Promise<unknown> {
    return around.call(this, () => Base.prototype[method].apply(this, args))
  }
  Object.defineProperty(value, 'name', { value: method })
  Object.defineProperty(target.prototype, method, { value, configurable: true, writable: true })
}

function applyTo(target: AnyController, method: string, decorator: MethodDecorator): AnyController {
  const descriptor = Object.getOwnPropertyDescriptor(target.prototype, method) as PropertyDescriptor
  decorator(target.prototype, method, descriptor)
  Object.defineProperty(target.prototype, method, descriptor)
  return target
}
