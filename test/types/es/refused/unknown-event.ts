// an event that the registry does not know, and details of another shape than the event's, under an ES decorator
import { AuditEvent } from '@countersign/mixins/es'

export class SessionService {
  // TS2345: Argument of type '"logni"' is not assignable to parameter of type 'EventName'
  @AuditEvent('logni')
  async login(): Promise<void> {}

  // TS2322: '{ provider: string; }' … Type 'undefined' is not assignable to type 'string'
  @AuditEvent('social_login', { details: (body: { provider?: string }) => ({ provider: body.provider }) })
  async social(_body: { provider?: string }): Promise<void> {}
}
