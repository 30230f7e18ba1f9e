import { createAuditTrail, memorySink } from '@countersign/core'
import { withLogoutAudit } from '@countersign/mixins'
import { AuditEvent, Throttle } from '@countersign/mixins/es'

const sink = memorySink()

export class Sessions {
  @AuditEvent('login', { attempted: (email: string) => email })
  async open(email: string) {
    return { email }
  }

  @Throttle('signup')
  protected async join() {}

  async end() {}
}

export class SessionService extends withLogoutAudit(Sessions, { method: 'end' }) {
  static readonly className = 'SessionService'
  static readonly actor = () => null
  static readonly trail = createAuditTrail({ sink })
}

export const audited = AuditEvent('signup')

const sessions = new SessionService()
await sessions.open('ada@example.com')
await sessions.end()
console.log(JSON.stringify(sink.rows.map(({ className, event }) => `${className} ${event}`)))
