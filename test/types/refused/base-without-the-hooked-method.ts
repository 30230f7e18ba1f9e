// a base without the hooked method, naming the handlers interface
import {
  auditMixin,
  withEmailVerificationAudit,
  withFailedResetAudit,
  withLoginAudit,
  withLogoutAudit,
  withPasswordResetAudit,
  withSignupAudit,
  withThrottle,
} from '@countersign/mixins'

class NoPost {
  async get(): Promise<string> {
    return 'nothing here takes a post'
  }
}

// TS2345: 'post' is missing in type 'NoPost' but required in type 'LoginHandlers'
withLoginAudit(NoPost)
// TS2345: 'post' is missing in type 'NoPost' but required in type 'LogoutHandlers'
withLogoutAudit(NoPost)
// TS2345: 'post' is missing in type 'NoPost' but required in type 'SignupHandlers'
withSignupAudit(NoPost)
// TS2345: 'post' is missing in type 'NoPost' but required in type 'FailedResetHandlers'
withFailedResetAudit(NoPost)
// TS2345: 'post' is missing in type 'NoPost' but required in type 'PasswordResetHandlers'
withPasswordResetAudit(NoPost)
// TS2345: 'post' is missing in type 'NoPost' but required in type 'EmailVerificationHandlers'
withEmailVerificationAudit(NoPost)
// TS2345: 'post' is missing in type 'NoPost' but required in type 'HandlerNamed<"post">'
withThrottle(NoPost, { scope: 'login', method: 'post' })

const withOwnAudit = auditMixin({ event: 'admin_action', method: 'act' })
// TS2345: 'act' is missing in type 'NoPost' but required in type 'HandlerNamed<"act">'
withOwnAudit(NoPost)
