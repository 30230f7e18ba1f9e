import type { IncomingMessage, ServerResponse } from 'node:http'

// The shapes that both frameworks have, and not their types: who uses one has not installed the other.

/** What `@Req()` gives: Express's request, which is Node's, or Koa's `ctx.request` around Node's. */
export type FrameworkRequest = IncomingMessage | WrappedRequest

/** What `@Res()` gives: Express's response, which is Node's, or Koa's `ctx.response` around Node's. */
export type FrameworkResponse = ServerResponse | WrappedResponse

export interface WrappedRequest {
  readonly req: IncomingMessage
}

export interface WrappedResponse {
  readonly res: ServerResponse
  status: number
  body: unknown
  set(fields: Record<string, string>): unknown
}

/** Node's request, whose properties and events are the same under every framework. */
export function incomingOf(request: FrameworkRequest): IncomingMessage {
  return 'req' in request ? request.req : request
}

/** Node's response. */
export function outgoingOf(response: FrameworkResponse): ServerResponse {
  return 'res' in response ? response.res : response
}

/** A text that answers a request. */
export interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Answers the way the framework does: Koa sends when all middlewares in front are done with it. */
export function answer(response: FrameworkResponse, { status, type, text, headers }: Answer): void {
  const fields = { ...headers, 'Content-Type': `${type}; charset=utf-8` }
  if ('res' in response) {
    response.status = status
    response.set(fields)
    response.body = text
    return
  }
  response.statusCode = status
  for (const [name, value] of Object.entries(fields)) response.setHeader(name, value)
  response.setHeader('Content-Length', Buffer.byteLength(text))
  response.end(text)
}
