import { AsyncLocalStorage } from 'node:async_hooks'
import type { AuditedCall } from './audited-call.js'
import type { Actor } from './identity.js'
import type { AuditTrail } from './trail.js'

/** One hop of the way a request took, nearest first, and whether it was a proxy we trust. */
export interface Hop {
  readonly address: string
  readonly trusted: boolean
}

/** From where an attempt comes. Frozen when the attempt begins; every field may be missing. */
export interface AuditContext {
  /** `[A-Za-z0-9._-]{1,64}`, taken over from the caller or made. */
  readonly requestId?: string | undefined
  /** The session's identifier; stored as a keyed hash only. */
  readonly sessionId?: string | undefined
  /** That keyed hash itself, where the identifier stayed behind: in a context that was sealed. */
  readonly sessionHash?: string | undefined
  /** Who asked for it, where a job does it later. */
  readonly initiator?: Initiator | undefined
  readonly tenant?: string | undefined
  /** The client's address in canonical form, as seen through the trusted proxies. */
  readonly address?: string | undefined
  readonly proxies?: readonly Hop[] | undefined
  readonly userAgent?: string | undefined
  readonly httpMethod?: string | undefined
  /** The route's template (`/invoices/:id`), never the path that was requested. */
  readonly route?: string | undefined
}

/**
 * Who asked for what a job does: the actor of rows that name none of their own, and in whose name
 * a service acts.
 */
export interface Initiator {
  readonly actor: Actor
  readonly onBehalfOf?: Actor | undefined
}

/** What travels with the asynchronous flow of one request. */
export interface Flow {
  readonly context: AuditContext
  readonly trail: AuditTrail | undefined
  /** The audited call that is running, innermost first; an adapter may have opened it. */
  readonly call: AuditedCall | undefined
}

const flows = new AsyncLocalStorage<Flow>()

/** The flow of the code that is running, for adapters and mixins. */
export function currentFlow(): Flow | undefined {
  return flows.getStore()
}

/** Runs with a flow; what it awaits and starts inherits it. */
export function runInFlow<Result>(flow: Flow, run: () => Result): Result {
  return flows.run(flow, run)
}

const nowhere: AuditContext = Object.freeze({})

/** The context of the code that is running; empty outside of any request. */
export function currentContext(): AuditContext {
  return flows.getStore()?.context ?? nowhere
}

/**
 * Runs a job, a queue consumer or a command with a context of its own.
 *
 * @example
 * await runInContext({ requestId: job.id, tenant: job.tenant }, () => invoices.close(job), { trail })
 */
export function runInContext<Result>(
  context: AuditContext,
  run: () => Result,
  options: { readonly trail?: AuditTrail } = {},
): Result {
  const trail = options.trail ?? flows.getStore()?.trail
  return flows.run({ context: Object.freeze({ ...context }), trail, call: undefined }, run)
}
