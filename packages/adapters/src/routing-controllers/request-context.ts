import { type AuditContext, cleanText, rowId } from '@countersign/core'
import type { Request } from 'express'
import { type AddressResolver, addressResolver, type TrustedProxies } from './trusted-proxies.js'

/** How a request becomes a context. */
export interface RequestContextOptions {
  /** Whom to believe about the client's address; nobody unless told. */
  readonly proxies?: TrustedProxies
  /** The header that carries the caller's request id, taken over when it is well-formed (`x-request-id`). */
  readonly requestIdHeader?: string
  /** To whom the request belongs, where one server serves several. */
  readonly tenant?: (request: Request) => string | undefined
}

/** Makes the context of a request: frozen, bounded, and free of what could forge a line. */
export type ContextOf = (request: Request) => AuditContext

const wellFormedId = /^[A-Za-z0-9._-]{1,64}$/

// Lets an `actor` source find the request that its context stands for.
const requests = new WeakMap<AuditContext, Request>()

/**
 * The request behind a context, for `actor` sources and subscribers.
 *
 * @example
 * static readonly actor = (context: AuditContext) => requestOf(context)?.user ?? null
 */
export function requestOf(context: AuditContext): Request | undefined {
  return requests.get(context)
}

export function requestContext(options: RequestContextOptions = {}): ContextOf {
  const resolve: AddressResolver = addressResolver(options.proxies)
  const header = (options.requestIdHeader ?? 'x-request-id').toLowerCase()
  return (request) => {
    const { address, proxies } = resolve(request.socket.remoteAddress, single(request.headers['x-forwarded-for']))
    const userAgent = request.headers['user-agent']
    const tenant = options.tenant?.(request)
    const context: AuditContext = Object.freeze({
      requestId: requestId(single(request.headers[header])),
      httpMethod: request.method,
      ...(address === undefined ? {} : { address }),
      ...(proxies === undefined ? {} : { proxies }),
      ...(userAgent === undefined ? {} : { userAgent: cleanText(userAgent, 512) }),
      ...(tenant === undefined ? {} : { tenant }),
      ...routeOf(request),
    })
    requests.set(context, request)
    return context
  }
}

function requestId(given: string | undefined): string {
  return given !== undefined && wellFormedId.test(given) ? given : rowId()
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(',') : header
}

function routeOf(request: Request): { route: string } | Record<never, never> {
  const path: unknown = (request.route as { path?: unknown } | undefined)?.path
  return typeof path === 'string' ? { route: path } : {}
}
