import { AuditError } from '@countersign/core'
import { isAsyncFunction, synchronousHandler } from '../assert-handler.js'
import { admit } from '../controller-facts.js'
import { hookedMethod } from '../hooked-method.js'
import { type HookPlace, onMetadata } from '../hooks.js'
import type { AsyncHandler } from '../mixin-base.js'

// Compilers give decorators `context.metadata` only where the language has this symbol, and a class
// is not known to its decorators in any other way. The value is the one that they fall back to.
if (!('metadata' in Symbol)) Reflect.defineProperty(Symbol, 'metadata', { value: Symbol.for('Symbol.metadata') })

/** What a standard decorator is told about a method of instances that others can call. */
export type HandlerContext<This extends object, Handler extends AsyncHandler> = ClassMethodDecoratorContext<
  This,
  Handler
> & { readonly static: false; readonly private: false }

/**
 * A decorator for asynchronous methods of instances only. It returns the hooked method, of the
 * same type; `void` spares those who misplace it a second complaint of the compiler.
 */
export type HandlerDecorator = <This extends object, Handler extends AsyncHandler>(
  method: Handler,
  context: HandlerContext<This, Handler>,
) => void

/**
 * A standard decorator: it notes its hook on the metadata of the class that is being made, has
 * every instance checked like those of a mixin, and returns the hooked method.
 */
export function methodDecorator(by: string, note: (place: HookPlace, method: string) => void): HandlerDecorator {
  return <This extends object, Handler extends AsyncHandler>(
    original: Handler,
    context: HandlerContext<This, Handler>,
  ) => {
    const { method, metadata } = decorated(original, context, by)
    note(onMetadata(metadata), method)
    context.addInitializer(function () {
      admit(this)
    })
    return hookedMethod(method, original, () => original)
  }
}

/** The name of the decorated method and where to note it, after the checks that the compiler does for those who have one. */
function decorated(
  original: unknown,
  context: DecoratorContext,
  by: string,
): { readonly method: string; readonly metadata: object } {
  // What a legacy decorator gets in place of the context: the key.
  if (typeof context !== 'object' || context === null) {
    throw new AuditError(
      'SETTING_INVALID',
      `${by} was compiled with experimentalDecorators. Take it out of tsconfig.json, or import the decorator from '@countersign/mixins'.`,
    )
  }
  const method = String(context.name)
  assertMethod(context, method, by)
  if (!isAsyncFunction(original)) throw synchronousHandler(by, 'the class', method)
  const { metadata } = context
  if (!metadata) {
    throw new AuditError(
      'SETTING_INVALID',
      `${by} was compiled without the metadata of decorators. Compile with TypeScript 5.2 or newer, or with what else gives decorators context.metadata.`,
    )
  }
  return { method, metadata }
}

function assertMethod(context: DecoratorContext, method: string, by: string): void {
  if (context.kind === 'field' || context.kind === 'accessor') {
    throw new AuditError(
      'HANDLER_ESCAPES',
      `${by} is on a field, ${method}: each instance gets its own, and would escape the audit. Write a method: async ${method}(…) { … }`,
    )
  }
  if (context.kind !== 'method') {
    throw new AuditError('HANDLER_MISSING', `${by} is on a ${context.kind}, ${method}. Only methods are audited.`)
  }
  if (!context.static && !context.private) return
  throw new AuditError(
    'HANDLER_MISSING',
    `${by} is on a ${context.static ? 'static' : 'private'} method, ${method}(). Only methods of instances that others can call are audited.`,
  )
}
