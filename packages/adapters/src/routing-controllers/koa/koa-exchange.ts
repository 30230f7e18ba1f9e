import type { Context, Next, Request, Response } from 'koa'
import type { ActionBody } from '../action-body.js'
import { type AuditedAction, actionMarkedBy } from '../audited-actions.js'
import type { AuditedRoute, Exchange } from '../exchange.js'
import { readBody } from './postponed-body.js'

/** A route of @koa/router. */
export interface Layer {
  readonly path: unknown
  readonly methods: readonly string[]
  readonly stack: readonly unknown[]
}

/** The audited action that a route serves. */
export function actionOf({ stack }: Layer): AuditedAction | undefined {
  for (const middleware of stack) {
    const action = actionMarkedBy(middleware)
    if (action) return action
  }
  return undefined
}

/** A request as Koa serves it. */
export class KoaExchange implements Exchange {
  readonly request: Request
  readonly response: Response
  #isParsing = false

  constructor(
    readonly context: Context,
    readonly next: Next,
  ) {
    this.request = context.request
    this.response = context.response
  }

  /** Of all routes that match, routing-controllers serves the first, and so it is ours. */
  get route(): AuditedRoute | undefined {
    const { matched = [], method } = this.context as { matched?: readonly Layer[]; method: string }
    for (const layer of matched) {
      const action = layer.methods.includes(method) ? actionOf(layer) : undefined
      if (action) return { action, template: typeof layer.path === 'string' ? layer.path : undefined }
    }
    return undefined
  }

  async proceed(body: ActionBody | undefined): Promise<unknown> {
    this.#isParsing = true
    await readBody(this.context, body)
    this.#isParsing = false
    return this.next()
  }

  /** Files are read later, by a middleware of their own. */
  isReading(body: ActionBody | undefined): boolean {
    return this.#isParsing || (body !== undefined && this.request.req.readableFlowing !== null)
  }

  /** 404 is what Koa begins with. */
  statusSet(): number | null {
    const { _explicitStatus: isSet, status } = this.response as Response & { readonly _explicitStatus?: boolean }
    return isSet ? status : null
  }

  fail(error: unknown): never {
    throw error
  }
}
