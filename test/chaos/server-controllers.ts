import 'reflect-metadata'
import { AbstractSignalMixin, AuditEvent, type HandlerDecorator, Throttle } from '@countersign/mixins'
import { HeaderParam, HttpCode, JsonController, Param, Post } from 'routing-controllers'

/** Changes something that belongs to a request, in whatever transaction is open. */
export type Change = (requestId: string) => Promise<unknown>

const refusal = (httpCode: number, reason: string): Error => Object.assign(new Error(reason), { httpCode, reason })

/** One way of auditing per route; `server-load.ts` says what row each leaves. */
export function controllersThat(change: Change): object[] {
  class Consents extends AbstractSignalMixin(class {}) {
    static readonly className = 'Consents'
    static readonly actor = () => null
    give(): Promise<string> {
      return this.audited('consent_update', {}, async () => 'given')
    }
  }

  class Accounts {
    static readonly className = 'Accounts'
    static readonly actor = () => ({ type: 'user', id: 'ada' }) as const

    async login(_id: string, way: string): Promise<object> {
      if (way === 'wrong') throw refusal(401, 'invalid_credentials')
      return { way }
    }

    async request(): Promise<object> {
      return { accepted: true }
    }

    async update(id: string, way: string): Promise<object> {
      await change(id)
      if (way === 'taken') throw refusal(409, 'conflict')
      return { way }
    }

    async administer(): Promise<object> {
      return { consent: await new Consents().give() }
    }

    async challenge(): Promise<object> {
      return { passed: true }
    }
  }
  route(Accounts, 'login', '/login/:way', AuditEvent('login'))
  route(Accounts, 'request', '/export', AuditEvent('data_export_request'))
  route(Accounts, 'update', '/profile/:way', AuditEvent('profile_update'))
  route(Accounts, 'administer', '/admin', AuditEvent('admin_action'))
  route(Accounts, 'challenge', '/challenge', AuditEvent('two_factor_challenge'), Throttle('challenge'))
  JsonController()(Accounts)
  return [Accounts]
}

/** What a compiler makes of decorators: Node runs this file as it is. */
function route(controller: { prototype: object }, name: string, path: string, ...audits: HandlerDecorator[]): void {
  const { prototype } = controller
  HeaderParam('x-request-id')(prototype, name, 0)
  if (path.endsWith(':way')) Param('way')(prototype, name, 1)
  const decorators = [...audits, Post(path), HttpCode(200), Reflect.metadata('design:paramtypes', [String, String])]
  const method = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor
  Object.defineProperty(prototype, name, Reflect.decorate(decorators as MethodDecorator[], prototype, name, method))
}
