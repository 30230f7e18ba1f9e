// mixins in an order, or over a base, that lacks what one of them needs
import { type MixinBase, mix, withLoginAudit, withLogoutAudit } from '@countersign/mixins'

interface SecondFactor {
  challenge(): Promise<boolean>
}

function withSecondFactor<Base extends MixinBase>(Base: Base): Base & MixinBase<SecondFactor> {
  abstract class SecondFactored extends Base {
    async challenge(): Promise<boolean> {
      return true
    }
  }
  return SecondFactored
}

function withStepUp<Base extends MixinBase<SecondFactor>>(Base: Base): Base {
  return Base
}

class Account {
  async login(): Promise<void> {}
}

mix(Account, withSecondFactor, withStepUp)
// TS2345: Property 'challenge' is missing in type 'Account' but required in type 'SecondFactor'
mix(Account, withStepUp, withSecondFactor)

mix(
  Account,
  (B) => withLoginAudit(B, { method: 'login' }),
  // TS2345: Property 'logout' is missing in type … required in type 'HandlerNamed<"logout">'
  (B) => withLogoutAudit(B, { method: 'logout' }),
)
// TS2345: Property 'post' is missing in type 'Account' but required in type 'LoginHandlers'
mix(Account, (B) => withLoginAudit(B))
