import { AuditError } from '@countersign/core'
import { assertHandler } from './assert-handler.js'
import { hookedMethod } from './hooked-method.js'
import { type HookPlace, onClass } from './hooks.js'
import type { AnyClass, AsyncHandler } from './mixin-base.js'

/** A decorator for asynchronous methods only. */
export type HandlerDecorator = <Handler extends AsyncHandler>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Handler>,
) => void

/** A legacy decorator: it notes its hook on the class, and puts the hooked method in place of the decorated one. */
export function methodDecorator(by: string, note: (place: HookPlace, method: string) => void): HandlerDecorator {
  return (target: object, key: string | symbol, descriptor: PropertyDescriptor) => {
    const { method, original } = decorated(target, key, descriptor, by)
    note(onClass(target.constructor as AnyClass), method)
    descriptor.value = hookedMethod(method, original, () => original)
  }
}

/** The decorated method, after the checks that the compiler does for those who have one. */
function decorated(
  target: object,
  key: string | symbol,
  descriptor: PropertyDescriptor | undefined,
  by: string,
): { readonly method: string; readonly original: AsyncHandler } {
  // What a standard decorator gets in place of the key.
  if (typeof key === 'object' && key !== null && 'kind' in key) {
    throw new AuditError(
      'SETTING_INVALID',
      `${by} was compiled without experimentalDecorators. Set it in tsconfig.json, or import the decorator from '@countersign/mixins/es'.`,
    )
  }
  const method = String(key)
  if (typeof target === 'function') {
    throw new AuditError(
      'HANDLER_MISSING',
      `${by} is on a static method, ${method}(). Only methods of instances are audited.`,
    )
  }
  return { method, original: assertHandler(target.constructor as AnyClass, method, by, descriptor?.value) }
}
