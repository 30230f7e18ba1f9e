import type { Throttling } from '@countersign/core'
import { type AuditedController, type MixinBase, withFailedResetAudit, withThrottle } from '@countersign/mixins'
import { sameType } from '../../support/same-type.js'

class Reset {
  static readonly route = '/password-reset'
  static of(mailer: string): Reset {
    return new Reset(mailer, 1)
  }

  constructor(
    readonly mailer: string,
    protected readonly retries: number,
  ) {}

  async post(email: string, _options?: { readonly locale: string }): Promise<{ sent: boolean }> {
    return { sent: email !== '' }
  }
}

const Audited = withFailedResetAudit(Reset)
sameType<typeof Audited, typeof Reset & MixinBase<AuditedController>>()
sameType<typeof Audited.route, '/password-reset'>()
sameType<ReturnType<typeof Audited.of>, Reset>()
sameType<ConstructorParameters<typeof Audited>, [mailer: string, retries: number]>()

const audited = new Audited('smtp', 3)
sameType<Parameters<typeof audited.post>, Parameters<Reset['post']>>()
sameType<Parameters<typeof audited.post>[0], string>()
sameType<ReturnType<typeof audited.post>, Promise<{ sent: boolean }>>()
sameType<ReturnType<typeof audited.throttled>, Promise<unknown>>()

// @ts-expect-error The constructor is the base's own.
new Audited(3)
// @ts-expect-error So is the handler.
audited.post(42)
// @ts-expect-error And what is protected stays so.
audited.retries

export class ResetController extends Audited {
  static readonly className = 'ResetController'
  static readonly actor = () => null
  readonly tries = this.retries + 1

  override async throttled(hit: Throttling): Promise<{ wait: number }> {
    return { wait: hit.retryAfter }
  }
}

abstract class Abstract {
  static readonly area = 'accounts'
  abstract readonly name: string
  async post(): Promise<number> {
    return this.name.length
  }
}

const AuditedAbstract = withFailedResetAudit(Abstract)
sameType<typeof AuditedAbstract.area, 'accounts'>()
// @ts-expect-error An abstract base stays abstract.
new AuditedAbstract()

export class Concrete extends withThrottle(AuditedAbstract, { scope: 'reset', method: 'post' }) {
  static readonly className = 'Concrete'
  static readonly actor = () => null
  readonly name = 'concrete'
}
sameType<ReturnType<Concrete['post']>, Promise<number>>()

// @ts-expect-error What the abstract base demands is still demanded.
export class Incomplete extends withFailedResetAudit(Abstract) {}

/** A className may be an instance field too. */
export class WithInstanceField extends withFailedResetAudit(Reset) {
  readonly className = 'WithInstanceField'
  static readonly actor = () => null
}

class Generic<Item> {
  async post(item: Item): Promise<Item[]> {
    return [item]
  }
}
const OfText = withFailedResetAudit(Generic<string>)
sameType<ReturnType<InstanceType<typeof OfText>['post']>, Promise<string[]>>()
