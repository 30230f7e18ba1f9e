import type { Outcome, Severity } from '@countersign/core'

/** A signal that an attempt can end in. */
export interface CoveredOutcome {
  readonly outcome: Outcome
  /** `login.failure`. */
  readonly signal: string
  readonly severity: Severity
}

/** An event that a handler attempts. */
export interface CoveredEvent {
  readonly event: string
  /** What declared it: `withLoginAudit`, `@AuditEvent('login')`. */
  readonly by: string
  readonly outcomes: readonly CoveredOutcome[]
}

/** A method of a controller, and what its attempts leave. */
export interface CoveredHandler {
  /** The name of the class. */
  readonly controller: string
  /** What rows call it; null where the class has none of its own. */
  readonly className: string | null
  readonly method: string
  readonly events: readonly CoveredEvent[]
  /** The scopes that throttle it. */
  readonly scopes: readonly string[]
  /** What may refuse it before it runs: `throttle login`, `@Authorized admin`, `@UseBefore sameOrigin`. */
  readonly deniedBy: readonly string[]
}

/** A route, and what its handler leaves. */
export interface CoveredRoute extends CoveredHandler {
  /** In capitals; `ALL` takes every method. */
  readonly httpMethod: string
  /** The template, as rows have it in `route`: `/api/users/:id`. */
  readonly path: string
  /** Every HTTP method but GET, HEAD and OPTIONS. */
  readonly stateChanging: boolean
  /** Whether every attempt leaves a row, however it ends. */
  readonly audited: boolean
  /** Why it is deliberately not audited. */
  readonly exempt: string | null
}

/** A scope, and the handlers that it throttles: `LoginController.post`. */
export interface CoveredScope {
  readonly scope: string
  readonly handlers: readonly string[]
}

/** What of a set of controllers is audited, and what is not. */
export interface CoverageReport {
  /** No state-changing route is unaudited, and every exemption is needed. */
  readonly complete: boolean
  readonly routes: readonly CoveredRoute[]
  /** Audited methods that no route serves. */
  readonly handlers: readonly CoveredHandler[]
  readonly scopes: readonly CoveredScope[]
  /** State-changing routes that are neither audited nor exempt. */
  readonly unaudited: readonly CoveredRoute[]
  /** Exemptions that are those of no unaudited, state-changing route. */
  readonly needlessExemptions: readonly string[]
}
