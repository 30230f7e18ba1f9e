import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { actAs, createAuditTrail, memorySink, runInContext, Throttled } from '@countersign/core'
import { withLogoutAudit } from '@countersign/mixins'
import { AuditEvent, Throttle } from '@countersign/mixins/es'

const sink = memorySink()
const limiter = flexibleLimiter({ scopes: { login: { failures: '2/h' } } })
const trail = createAuditTrail({ sink, limiter })

// The decorators of the language itself: nothing to set in tsconfig.json, and no framework around them.
class Sessions {
  @AuditEvent('login', { attempted: (email: string) => email })
  @Throttle('login')
  async open(email: string, password: string) {
    if (email !== 'ada@example.org' || password !== 'correct horse')
      throw Object.assign(new Error('no'), { status: 401, reason: 'bad_credentials' })
    actAs({ id: 'u-1', label: 'Ada' })
    return { hello: 'Ada' }
  }

  async end() {}
}

// Together with a mixin over the same class, and a decorator more in the subclass.
class SessionService extends withLogoutAudit(Sessions, { method: 'end' }) {
  static readonly className = 'SessionService'
  static readonly actor = () => null
  static readonly trail = trail

  @AuditEvent('password_change')
  async changePassword() {}
}

const sessions = new SessionService()
await runInContext({ address: '192.0.2.7' }, async () => {
  await sessions.open('ada@example.org', 'correct horse')
  for (const guess of ['wrong', 'password', 'letmein']) {
    await sessions.open('ada@example.org', guess).catch((error: unknown) => {
      if (error instanceof Throttled) console.log(`refused: ${error.hit.limit} failures were enough`)
    })
  }
  await sessions.changePassword()
  await sessions.end()
})

for (const { className, methodName, event, outcome, reason, actor } of sink.rows) {
  console.log(className, methodName, event, outcome, reason ?? '-', actor.label ?? actor.type)
}

// What a class forgets to say is found when its first instance is made.
class Forgetful extends Sessions {}
try {
  new Forgetful()
} catch (error) {
  console.log(String(error).split('\n')[0])
}
