/** A class, possibly abstract, whose instances are `T`: what every mixin accepts and returns. */
export type MixinBase<T extends object = object> = abstract new (...args: any[]) => T

/** A handler that can be hooked. */
export type AsyncHandler = (...args: any[]) => Promise<unknown>

/** A class whose method of this name can be hooked. */
export type HandlerNamed<Method extends string> = { [Name in Method]: AsyncHandler }

/** The class of an object or constructor, as far as hooking cares. */
export type AnyClass = MixinBase & { readonly prototype: object }
