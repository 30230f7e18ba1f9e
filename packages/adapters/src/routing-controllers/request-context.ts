import type { IncomingMessage } from 'node:http'
import { type AuditContext, cleanText, type Hop, rowId } from '@countersign/core'
import { type FrameworkRequest, incomingOf } from './framework.js'
import { type AddressResolver, addressResolver, type ResolvedAddress, type TrustedProxies } from './trusted-proxies.js'

/** How a request becomes a context. */
export interface RequestContextOptions<Request extends object = IncomingMessage> {
  /** Whom to believe about the client's address; nobody unless told. */
  readonly proxies?: TrustedProxies
  /** The header that carries the caller's request id, taken over when it is well-formed (`x-request-id`). */
  readonly requestIdHeader?: string
  /** To whom the request belongs, where one server serves several; it is given what `@Req()` gives. */
  readonly tenant?: (request: Request) => string | undefined
}

/** Makes the context of a request: frozen, bounded, and free of what could forge a line. */
export type ContextOf = (request: FrameworkRequest, route: string | undefined) => AuditContext

const wellFormedId = /^[A-Za-z0-9._-]{1,64}$/

/** What was found out about a request. */
interface FoundOut {
  readonly route: string | undefined
  readonly requestId: string
  readonly resolved: ResolvedAddress
  readonly tenant: string | undefined
}

/** The request behind a context stays out of what is enumerated, logged and compared. */
class RequestContext implements AuditContext {
  readonly requestId: string
  readonly httpMethod: string
  readonly route: string | undefined
  readonly address: string | undefined
  readonly proxies: readonly Hop[] | undefined
  readonly userAgent: string | undefined
  readonly tenant: string | undefined
  readonly #request: FrameworkRequest

  constructor(request: FrameworkRequest, { route, requestId, resolved, tenant }: FoundOut) {
    const { method = '', headers } = incomingOf(request)
    const userAgent = headers['user-agent']
    this.requestId = requestId
    this.httpMethod = method
    this.route = route
    this.address = resolved.address
    this.proxies = resolved.proxies
    this.userAgent = userAgent === undefined ? undefined : cleanText(userAgent, 512)
    this.tenant = tenant
    this.#request = request
    Object.freeze(this)
  }

  static requestOf(context: AuditContext): FrameworkRequest | undefined {
    return #request in context ? context.#request : undefined
  }
}

/**
 * The request behind a context, for `actor` sources and subscribers: what `@Req()` gives, which is
 * Express's request, or Koa's `ctx.request` (and its `ctx` the rest). Say which type it has.
 *
 * @example
 * static readonly actor = (context: AuditContext) => requestOf<{ user?: Actor }>(context)?.user ?? null
 */
export function requestOf<Request extends object = IncomingMessage>(context: AuditContext): Request | undefined {
  return RequestContext.requestOf(context) as Request | undefined
}

export function requestContext<Request extends object>(options: RequestContextOptions<Request> = {}): ContextOf {
  const resolve: AddressResolver = addressResolver(options.proxies)
  const header = (options.requestIdHeader ?? 'x-request-id').toLowerCase()
  return (request, route) => {
    const { socket, headers } = incomingOf(request)
    return new RequestContext(request, {
      route,
      requestId: requestId(single(headers[header])),
      resolved: resolve(socket.remoteAddress, single(headers['x-forwarded-for'])),
      tenant: options.tenant?.(request as Request),
    })
  }
}

function requestId(given: string | undefined): string {
  return given !== undefined && wellFormedId.test(given) ? given : rowId()
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(',') : header
}
