import { inspect } from 'node:util'
import { AuditError } from '@countersign/core'
import 'reflect-metadata'
import { lineage, nameOf } from './hooks.js'
import type { AnyClass, AsyncHandler } from './mixin-base.js'

/**
 * What the compiler checks, again for JavaScript and `any`: the hooked method exists on the
 * prototype, where a mixin can reach it, and is asynchronous, as the wrapper around it will be.
 *
 * @param decorated the method as a decorator found it, while its class is still being made
 */
export function assertHandler(target: AnyClass, method: string, by: string, decorated?: unknown): AsyncHandler {
  if (typeof target !== 'function' || typeof target.prototype !== 'object') {
    throw new AuditError('HANDLER_MISSING', `${by} was given ${inspect(target)}, which is no class.`)
  }
  if (decorated === undefined) assertNoField(target, method, by)
  const handler: unknown = decorated ?? Reflect.get(target.prototype, method)
  if (typeof handler !== 'function') {
    throw new AuditError(
      'HANDLER_MISSING',
      `${by} hooks ${nameOf(target)}.${method}(), and there is no such method, or only an abstract one. Write: async ${method}(…) { … }, or name another with { method: '…' }.`,
    )
  }
  if (!isAsynchronous(handler, target.prototype, method)) throw synchronousHandler(by, nameOf(target), method)
  return handler as AsyncHandler
}

/** A field is seen in the source only: it shadows the method of the prototype once there is an instance. */
function assertNoField(target: AnyClass, method: string, by: string): void {
  const name = method.replace(/\W/g, '\\$&')
  const field = new RegExp(
    `(?<!(?:const|let|var|static)\\s+)(?<![\\w$.])(?:this\\.)?${name}\\s*=\\s*(?:async\\b|function\\b|\\(|[\\w$]+\\s*=>)`,
  )
  for (const nearer of lineage(target)) {
    if (Object.hasOwn(nearer.prototype ?? {}, method)) return
    if (!field.test(Function.prototype.toString.call(nearer))) continue
    throw new AuditError(
      'HANDLER_ESCAPES',
      `${by} hooks ${nameOf(target)}.${method}, but that is a field (an arrow function): each instance gets its own, and would escape the audit. Write a method: async ${method}(…) { … }`,
    )
  }
}

/** An async function, or a decorated method that was compiled with the return type Promise. */
function isAsynchronous(handler: unknown, prototype: object, method: string): boolean {
  return isAsyncFunction(handler) || Reflect.getMetadata('design:returntype', prototype, method) === Promise
}

/** True for what was written `async`, and was not compiled for an ECMAScript older than 2017. */
export function isAsyncFunction(handler: unknown): handler is AsyncHandler {
  return Object.prototype.toString.call(handler) === '[object AsyncFunction]'
}

/** What is thrown for a method that is not asynchronous. */
export function synchronousHandler(by: string, owner: string, method: string): AuditError {
  return new AuditError(
    'HANDLER_SYNCHRONOUS',
    `${by} hooks ${owner}.${method}(), which is not asynchronous; hooked, it would be. Write: async ${method}(…) { … }`,
  )
}
