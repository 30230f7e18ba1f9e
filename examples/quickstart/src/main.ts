import { type AuditContext, actAs, createAuditTrail, memorySink, runInContext } from '@countersign/core'
import { AuditEvent, withFailedResetAudit } from '@countersign/mixins'

const sink = memorySink()
const trail = createAuditTrail({ sink })
const nobody = (_context: AuditContext) => null

// A signal: told of every row of its kind, after the row is stored.
trail.signals.on('login.failure', ({ row }) => console.log(`signal: a failed login as ${row.attempted?.masked}`))

// A decorator on a method of your own.
class SessionController {
  static readonly className = 'SessionController'
  static readonly actor = nobody
  static readonly trail = trail

  @AuditEvent('login', { attempted: (body: { email: string }) => body.email })
  async login(body: { email: string; password: string }) {
    if (body.password !== 'correct horse')
      throw Object.assign(new Error('no'), { status: 401, reason: 'bad_credentials' })
    actAs({ id: 'u-1', label: 'Ada' })
    return { hello: 'Ada' }
  }
}

// A mixin over a controller that somebody else wrote.
class PasswordReset {
  async post(body: { email: string }) {
    return { sentTo: body.email.length > 0 }
  }
}
class PasswordResetController extends withFailedResetAudit(PasswordReset) {
  static readonly className = 'PasswordResetController'
  static readonly actor = nobody
  static readonly trail = trail
}

const sessions = new SessionController()
await runInContext({ address: '192.0.2.7', userAgent: 'quickstart' }, async () => {
  await sessions.login({ email: 'ada@example.org', password: 'wrong' }).catch(() => undefined)
  await sessions.login({ email: 'ada@example.org', password: 'correct horse' })
  await new PasswordResetController().post({ email: 'ada@example.org' })
})

for (const { event, outcome, reason, actor, attempted, address } of sink.rows) {
  console.log(event, outcome, reason ?? '-', actor.label ?? actor.type, attempted?.masked ?? '-', address)
}
