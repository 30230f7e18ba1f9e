import { AuditError } from '@countersign/core'
import 'reflect-metadata'
import { lineage, nameOf } from './hooks.js'
import type { AnyClass, AsyncHandler } from './mixin-base.js'

/**
 * What the compiler checks, again for JavaScript and `any`: the hooked method exists on the
 * prototype, where a mixin can reach it, and is asynchronous, as the wrapper around it will be.
 */
export function assertHandler(target: AnyClass, method: string, by: string): AsyncHandler {
  if (typeof target !== 'function' || typeof target.prototype !== 'object') {
    throw new AuditError('HANDLER_MISSING', `${by} was given ${String(target)}, which is no class.`)
  }
  const handler: unknown = Reflect.get(target.prototype, method)
  if (typeof handler !== 'function') throw unreachable(target, method, by)
  if (!isAsynchronous(handler, target.prototype, method)) {
    throw new AuditError(
      'HANDLER_SYNCHRONOUS',
      `${by} hooks ${nameOf(target)}.${method}(), which is not asynchronous; hooked, it would be. Write: async ${method}(…) { … }`,
    )
  }
  return handler as AsyncHandler
}

/** An async function, or a decorated method that was compiled with the return type Promise. */
function isAsynchronous(handler: unknown, prototype: object, method: string): boolean {
  if (Object.prototype.toString.call(handler) === '[object AsyncFunction]') return true
  return Reflect.getMetadata('design:returntype', prototype, method) === Promise
}

function unreachable(target: AnyClass, method: string, by: string): AuditError {
  const field = new RegExp(`\\b${method.replace(/\W/g, '\\$&')}\\s*=`)
  const escapes = lineage(target).some((ancestor) => field.test(Function.prototype.toString.call(ancestor)))
  if (escapes) {
    return new AuditError(
      'HANDLER_ESCAPES',
      `${by} hooks ${nameOf(target)}.${method}, but that is a field (an arrow function): each instance gets its own, and would escape the audit. Write a method: async ${method}(…) { … }`,
    )
  }
  return new AuditError(
    'HANDLER_MISSING',
    `${by} hooks ${nameOf(target)}.${method}(), and there is no such method, or only an abstract one. Write: async ${method}(…) { … }, or name another with { method: '…' }.`,
  )
}
