import type { AuditedCall } from '@countersign/core'
import type { Request } from 'express'

const calls = new WeakMap<Request, AuditedCall>()

export function noteCall(request: Request, call: AuditedCall): void {
  calls.set(request, call)
}

/** The audited call that a request is, for error handlers. */
export function callOf(request: Request): AuditedCall | undefined {
  return calls.get(request)
}
