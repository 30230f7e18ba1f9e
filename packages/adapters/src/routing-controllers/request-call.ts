import type { AuditedCall } from '@countersign/core'
import type { Request } from 'express'

// A property, not a WeakMap: an entry for every request would be most of the garbage collector's work.
const key: unique symbol = Symbol('countersign.call')

interface CalledRequest extends Request {
  [key]?: AuditedCall
}

export function noteCall(request: Request, call: AuditedCall): void {
  ;(request as CalledRequest)[key] = call
}

/** The audited call that a request is, for error handlers. */
export function callOf(request: Request): AuditedCall | undefined {
  return (request as CalledRequest)[key]
}
