import { inspect } from 'node:util'
import { AuditError } from '@countersign/core'
import type { MixinBase } from './mixin-base.js'

/**
 * Applies several mixins, the first one innermost. Their order makes no difference to the rows.
 *
 * @throws AuditError `SETTING_INVALID`, and what its mixins throw
 * @example
 * class AccountController extends mix(
 *   Account,
 *   (B) => withLoginAudit(B, { method: 'login' }),
 *   (B) => withLogoutAudit(B, { method: 'logout' }),
 * ) {}
 */
export function mix<A extends MixinBase, B extends MixinBase>(Base: A, b: (Base: A) => B): B
export function mix<A extends MixinBase, B extends MixinBase, C extends MixinBase>(
  Base: A,
  b: (Base: A) => B,
  c: (Base: B) => C,
): C
export function mix<A extends MixinBase, B extends MixinBase, C extends MixinBase, D extends MixinBase>(
  Base: A,
  b: (Base: A) => B,
  c: (Base: B) => C,
  d: (Base: C) => D,
): D
export function mix<
  A extends MixinBase,
  B extends MixinBase,
  C extends MixinBase,
  D extends MixinBase,
  E extends MixinBase,
>(Base: A, b: (Base: A) => B, c: (Base: B) => C, d: (Base: C) => D, e: (Base: D) => E): E
export function mix<
  A extends MixinBase,
  B extends MixinBase,
  C extends MixinBase,
  D extends MixinBase,
  E extends MixinBase,
  F extends MixinBase,
>(Base: A, b: (Base: A) => B, c: (Base: B) => C, d: (Base: C) => D, e: (Base: D) => E, f: (Base: E) => F): F
export function mix(Base: MixinBase, ...mixins: Array<(Base: MixinBase) => MixinBase>): MixinBase {
  return mixins.reduce((mixed, mixin, index) => {
    assertFunction(mixin, `Mixin ${index + 1} of mix is ${inspect(mixin)}, which is no function.`)
    const extended = mixin(mixed)
    assertFunction(extended, `Mixin ${index + 1} of mix returned ${inspect(extended)}, which is no class.`)
    return extended
  }, Base)
}

function assertFunction(value: unknown, otherwise: string): void {
  if (typeof value === 'function') return
  throw new AuditError(
    'SETTING_INVALID',
    `${otherwise} Write: mix(Account, (B) => withLoginAudit(B, { method: 'login' }))`,
  )
}
