import { type AuditContext, cleanText, type Hop, rowId } from '@countersign/core'
import type { Request } from 'express'
import { type AddressResolver, addressResolver, type ResolvedAddress, type TrustedProxies } from './trusted-proxies.js'

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

/** The request behind a context stays out of what is enumerated, logged and compared. */
class RequestContext implements AuditContext {
  readonly requestId: string
  readonly httpMethod: string
  readonly route: string | undefined
  readonly address: string | undefined
  readonly proxies: readonly Hop[] | undefined
  readonly userAgent: string | undefined
  readonly tenant: string | undefined
  readonly #request: Request

  constructor(request: Request, requestId: string, { address, proxies }: ResolvedAddress, tenant: string | undefined) {
    const userAgent = request.headers['user-agent']
    this.requestId = requestId
    this.httpMethod = request.method
    this.route = routeOf(request)
    this.address = address
    this.proxies = proxies
    this.userAgent = userAgent === undefined ? undefined : cleanText(userAgent, 512)
    this.tenant = tenant
    this.#request = request
    Object.freeze(this)
  }

  static requestOf(context: AuditContext): Request | undefined {
    return #request in context ? context.#request : undefined
  }
}

/**
 * The request behind a context, for `actor` sources and subscribers.
 *
 * @example
 * static readonly actor = (context: AuditContext) => requestOf(context)?.user ?? null
 */
export function requestOf(context: AuditContext): Request | undefined {
  return RequestContext.requestOf(context)
}

export function requestContext(options: RequestContextOptions = {}): ContextOf {
  const resolve: AddressResolver = addressResolver(options.proxies)
  const header = (options.requestIdHeader ?? 'x-request-id').toLowerCase()
  return (request) => {
    const address = resolve(request.socket.remoteAddress, single(request.headers['x-forwarded-for']))
    return new RequestContext(request, requestId(single(request.headers[header])), address, options.tenant?.(request))
  }
}

function requestId(given: string | undefined): string {
  return given !== undefined && wellFormedId.test(given) ? given : rowId()
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(',') : header
}

function routeOf(request: Request): string | undefined {
  const path: unknown = (request.route as { path?: unknown } | undefined)?.path
  return typeof path === 'string' ? `${request.baseUrl ?? ''}${path}` : undefined
}
