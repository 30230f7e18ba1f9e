// an event that the registry does not know, wherever it is named
import { type AuditTrail, createAuditTrail, currentAttempt, memorySink } from '@countersign/core'
import {
  AbstractSignalMixin,
  AuditEvent,
  type AuditedController,
  auditMixin,
  type MixinBase,
} from '@countersign/mixins'

declare const trail: AuditTrail

export class SessionController {
  // TS2345: Argument of type '"logni"' is not assignable to parameter of type 'EventName'
  @AuditEvent('logni')
  async login(): Promise<void> {}
}

// TS2820: Type '"logni"' is not assignable to type 'EventName'. Did you mean '"login"'?
auditMixin({ event: 'logni', method: 'post' })

interface PayHandlers {
  pay(...args: any[]): Promise<unknown>
}

export function withPayAudit<Base extends MixinBase<PayHandlers>>(Base: Base): Base & MixinBase<AuditedController> {
  abstract class PayAudited extends AbstractSignalMixin(Base) {
    override async pay(...args: any[]): Promise<unknown> {
      // TS2345: Argument of type '"logni"' is not assignable to parameter of type 'EventName'
      return this.audited('logni', {}, () => super.pay(...args))
    }
  }
  return PayAudited
}

// TS2820: Type '"logni"' is not assignable to type … Did you mean '"login"'?
AbstractSignalMixin(SessionController, { login: 'logni' })

// TS2345: Argument of type '"logni"' is not assignable to parameter of type 'SignalName'
trail.signals.on('logni', () => undefined)
// TS2345: Argument of type '"login.failed"' is not assignable to parameter of type 'SignalName'
trail.signals.on('login.failed', () => undefined)
// TS2345: Argument of type '"logni"' is not assignable to parameter of type 'SignalName'
trail.signals.once('logni', () => undefined)

// TS2345: Argument of type '"logni"' is not assignable to parameter of type 'EventName'
trail.record('logni')
// TS2345: Argument of type '"logni"' is not assignable to parameter of type 'EventName | undefined'
currentAttempt('logni')

// TS2561: 'logni' does not exist in type … Did you mean to write 'login'?
createAuditTrail({ sink: memorySink(), policies: { logni: { delivery: 'awaited' } } })
