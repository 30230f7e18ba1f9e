import { admit } from './controller-facts.js'
import { hookedMethod } from './hooked-method.js'
import type { AnyClass, AsyncHandler, MixinBase } from './mixin-base.js'
import { throttledHook } from './throttled-hook.js'

/** What a mixin puts on top of a class. */
export interface HookedClassOptions {
  /** What the class is called in stacks of classes and in messages. */
  readonly name: string
  /** The method to hook, which `assertHandler` has seen; none for a mixin that is written by hand. */
  readonly method?: string
  /** Whether `throttled(hit)` is hooked too. True unless told. */
  readonly throttled?: boolean | undefined
}

/** The class that every mixin makes: it hooks methods of its base, and has its instances checked. */
export function hookedClass(Base: AnyClass, { name, method, throttled }: HookedClassOptions): AnyClass {
  abstract class Hooked extends (Base as MixinBase) {
    // A constructor would hide the parameters that containers inject by; an initialiser does not.
    // biome-ignore lint/correctness/noUnusedPrivateClassMembers: its initialiser is the check
    readonly #admitted: boolean = admit(this)
  }
  Object.defineProperty(Hooked, 'name', { value: name })
  const inherited = Base.prototype as Record<string, AsyncHandler>
  if (method !== undefined) {
    const template = inherited[method] as AsyncHandler
    defineMethod(
      Hooked,
      method,
      hookedMethod(method, template, () => inherited[method] as AsyncHandler),
    )
  }
  if (throttled !== false)
    defineMethod(
      Hooked,
      'throttled',
      throttledHook(() => inherited.throttled),
    )
  return Hooked
}

/** Gives a class a method, as its body would have. */
export function defineMethod({ prototype }: AnyClass, method: string, value: AsyncHandler): void {
  Object.defineProperty(prototype, method, { value, writable: true, configurable: true, enumerable: false })
}
