import type { NextFunction, Request, Response } from 'express'
import type { ActionBody } from '../action-body.js'
import { actionMarkedBy } from '../audited-actions.js'
import type { AuditedRoute, Exchange } from '../exchange.js'

interface ExpressRoute {
  readonly path: unknown
  readonly stack: ReadonlyArray<{ readonly handle: unknown }>
}

/** A request as Express serves it. The driver of routing-controllers reads the body after this. */
export class ExpressExchange implements Exchange {
  constructor(
    readonly request: Request,
    readonly response: Response,
    readonly next: NextFunction,
  ) {}

  get route(): AuditedRoute | undefined {
    const { path, stack } = this.request.route as ExpressRoute
    const template = typeof path === 'string' ? `${this.request.baseUrl}${path}` : undefined
    for (const { handle } of stack) {
      const action = actionMarkedBy(handle)
      if (action) return { action, template }
    }
    return undefined
  }

  proceed(): void {
    this.next()
  }

  /** Others may read along; the driver itself reads only what is declared. */
  isReading(body: ActionBody | undefined): boolean {
    return body !== undefined && this.request.readableFlowing !== null
  }

  /** 200 is what Node begins with. */
  statusSet(): number | null {
    const { statusCode } = this.response
    return statusCode === 200 ? null : statusCode
  }

  fail(error: unknown): void {
    this.next(error)
  }
}
