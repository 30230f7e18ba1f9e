// details of another shape than the event's, saying which field
import { type AuditTrail, currentAttempt } from '@countersign/core'
import {
  AbstractSignalMixin,
  AuditEvent,
  type AuditedController,
  auditMixin,
  type MixinBase,
} from '@countersign/mixins'

declare const trail: AuditTrail

// TS2322: '{ provider: string; }' … Type 'number' is not assignable to type 'string'
auditMixin({ event: 'social_login', method: 'post', details: () => ({ provider: 42 }) })
// TS2322: Property 'provider' is missing in type '{}' but required in type '{ provider: string; }'
auditMixin({ event: 'social_login', method: 'post', details: () => ({}) })

export class SocialController {
  // TS2322: '{ provider: string; }' … Type 'undefined' is not assignable to type 'string'
  @AuditEvent('social_login', { details: (body: { provider?: string }) => ({ provider: body.provider }) })
  async login(_body: { provider?: string }): Promise<void> {}
}

interface StartHandlers {
  start(...args: any[]): Promise<unknown>
}

export function withStartAudit<Base extends MixinBase<StartHandlers>>(Base: Base): Base & MixinBase<AuditedController> {
  abstract class StartAudited extends AbstractSignalMixin(Base) {
    override async start(...args: any[]): Promise<unknown> {
      // TS2561: 'providr' does not exist in type '{ provider: string; }'. Did you mean to write 'provider'?
      return this.audited('social_login', { providr: 'github' }, () => super.start(...args))
    }
  }
  return StartAudited
}

// TS2322: Type 'number' is not assignable to type 'string'
trail.record('social_login', { details: { provider: 1 } })
// TS2322: Type 'number' is not assignable to type 'string'
currentAttempt('social_login').details({ provider: 1 })
// TS2561: Did you mean to write 'remember'?
currentAttempt('login').details({ remeber: true })
