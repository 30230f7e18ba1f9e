// a named method that does not exist or is not asynchronous, naming it
import { withFailedResetAudit, withLoginAudit } from '@countersign/mixins'

class Account {
  async login(): Promise<void> {}
  forget(): void {}
}

// TS2345: Property 'nope' is missing in type 'Account' but required in type 'HandlerNamed<"nope">'
withLoginAudit(Account, { method: 'nope' })
// TS2345: The types returned by 'forget(...)' are incompatible … Type 'void' is not assignable to type 'Promise<unknown>'
withLoginAudit(Account, { method: 'forget' })
// TS2345: Property 'logni' is missing in type 'Account' but required in type 'HandlerNamed<"logni">'
withFailedResetAudit(Account, { method: 'logni' })
