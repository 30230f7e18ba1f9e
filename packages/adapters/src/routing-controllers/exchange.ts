import type { ActionBody } from './action-body.js'
import type { AuditedAction } from './audited-actions.js'
import type { FrameworkRequest, FrameworkResponse } from './framework.js'

/** What a middleware calls to go on. */
export type Next = (error?: unknown) => unknown

/** A middleware before it is known which driver will call it: with `next` as the last of all. */
export type DriverMiddleware = (...given: unknown[]) => unknown

export function nextOf(given: readonly unknown[]): Next {
  return given.at(-1) as Next
}

/** One request on its way through the route of an action, whatever driver serves it. */
export interface Exchange {
  readonly request: FrameworkRequest
  readonly response: FrameworkResponse
  /** The audited action whose route took it. */
  readonly route: AuditedRoute | undefined
  /** Goes on: to the body, the guards, the validation, the handler. */
  proceed(body: ActionBody | undefined): unknown
  /** True when reading the body has begun, and nobody was told yet that it is here. */
  isReading(body: ActionBody | undefined): boolean
  /** The status that somebody set on the response; null when nobody did. */
  statusSet(): number | null
  /** Hands an error to whoever answers errors. */
  fail(error: unknown): unknown
}

export interface AuditedRoute {
  readonly action: AuditedAction
  /** The path as it was declared; undefined for a pattern. */
  readonly template: string | undefined
}
