import type { IncomingMessage } from 'node:http'
import type { AuditedCall } from '@countersign/core'
import { type FrameworkRequest, incomingOf } from './framework.js'

// A property, not a WeakMap: an entry for every request would be most of the garbage collector's work.
const key: unique symbol = Symbol('countersign.call')

interface CalledRequest extends IncomingMessage {
  [key]?: AuditedCall
}

export function noteCall(request: FrameworkRequest, call: AuditedCall): void {
  const incoming: CalledRequest = incomingOf(request)
  incoming[key] = call
}

/** The audited call that a request is, for error handlers. */
export function callOf(request: FrameworkRequest): AuditedCall | undefined {
  const incoming: CalledRequest = incomingOf(request)
  return incoming[key]
}
