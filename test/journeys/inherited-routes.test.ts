import 'reflect-metadata'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers } from '@countersign/adapters/routing-controllers'
import { createAuditTrail, memorySink } from '@countersign/core'
import {
  AuditEvent,
  mix,
  withFailedResetAudit,
  withLoginAudit,
  withLogoutAudit,
  withThrottle,
} from '@countersign/mixins'
import { type Action, Body } from 'routing-controllers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drivers } from '../support/drivers.js'
import { PasswordReset, ResetRequest, Vault } from '../support/guarded-controllers.js'
import { post, type Served } from '../support/serve.js'

const isAdmin = ({ request }: Action) => request.headers.authorization === 'admin'
const actor = () => null

for (const driver of drivers) {
  describe(`on ${driver.name}`, () => {
    const sink = memorySink()
    const trail = createAuditTrail({ sink, limiter: flexibleLimiter({ scopes: { reset: '2/min' } }) })
    let served: Served | undefined

    async function start(...controllers: unknown[]): Promise<string> {
      served = await driver.serve(auditedControllers(trail, controllers as never), { authorizationChecker: isAdmin })
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
        const controllers = auditedControllers(createAuditTrail({ sink: other }), [PasswordResetController])
        const second = await driver.serve(controllers, { authorizationChecker: isAdmin })
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
        expect(sink.rows).toHaveLength(3)
        expect(sink.rows.at(-1)).toMatchObject({
          event: 'password_reset_request',
          outcome: 'denied',
          reason: 'throttled',
          status: 429,
          scope: 'reset',
        })
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
  })
}
