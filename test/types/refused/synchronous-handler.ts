// a base whose hooked method is synchronous, naming the handlers interface and what is missing
import { withFailedResetAudit, withLoginAudit, withThrottle } from '@countersign/mixins'

class Synchronous {
  post(): string {
    return 'done'
  }
}

// TS2345: LoginHandlers … Type 'string' is not assignable to type 'Promise<unknown>'
withLoginAudit(Synchronous)
// TS2345: FailedResetHandlers … Type 'string' is not assignable to type 'Promise<unknown>'
withFailedResetAudit(Synchronous)
// TS2345: HandlerNamed<"post"> … Type 'string' is not assignable to type 'Promise<unknown>'
withThrottle(Synchronous, { scope: 'login', method: 'post' })

class Hidden {
  protected async post(): Promise<void> {}
}

// TS2345: Property 'post' is protected in type 'Hidden' but public in type 'LoginHandlers'
withLoginAudit(Hidden)
