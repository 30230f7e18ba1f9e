import { Readable } from 'node:stream'
import type { Context, Middleware, Next } from 'koa'
import { sendProblem } from '../problem.js'
import { isServed, type ProblemErrors } from '../problem-middlewares.js'
import { actionOf, type Layer } from './koa-exchange.js'
import { leaveBody, postponeBody } from './postponed-body.js'

/** A router of @koa/router. */
interface Router {
  match(path: string, method: string): { readonly pathAndMethod: readonly Layer[] }
}

/** What routing-controllers makes of a Koa application. */
export interface KoaServer {
  readonly router: Router
  /** The parser that it puts in front of everything. */
  readonly parser: Middleware
}

/**
 * Stands in front of all that routing-controllers puts into a Koa application, where Express needs
 * nothing: the body of an audited action waits for its attempt, and what nobody catches or answers
 * becomes a problem document.
 */
export class KoaFront {
  /** As `middlewares` lists them, which Koa's driver would leave out. */
  errors: ProblemErrors | undefined
  answersNotFound = false

  /** @param servers all that share the application: the first of them reads every body */
  constructor(readonly servers: readonly KoaServer[]) {}

  readonly handle: Middleware = async (context, next) => {
    const parser = this.servers.find(({ router }) => isAudited(router, context))?.parser
    if (parser) postponeBody(context, parser)
    else leaveBody(context)
    if (this.errors) await this.#catchErrors(this.errors, context, next)
    else await next()
    if (this.answersNotFound) answerNotFound(context)
  }

  async #catchErrors(errors: ProblemErrors, context: Context, next: Next): Promise<void> {
    try {
      await next()
      serialise(context)
    } catch (error) {
      errors.error(error, context.request, context.response, (unanswered) => {
        // As Express does it: the client must not take half an answer for a whole one.
        context.res.destroy()
        throw unanswered
      })
    }
  }
}

/** Of all routes that match, routing-controllers serves the first. */
function isAudited(router: Router, { path, method }: Context): boolean {
  const [layer] = router.match(path, method).pathAndMethod
  return layer !== undefined && actionOf(layer) !== undefined
}

const unanswered: Readonly<Record<number, string>> = {
  404: 'not_found',
  405: 'method_not_allowed',
  501: 'not_implemented',
}

function answerNotFound({ request, response, body, respond }: Context): void {
  const code = unanswered[response.status]
  if (code === undefined || isServed(request) || respond === false || (body ?? undefined) !== undefined) return
  sendProblem(request, response, { status: response.status, code })
}

/** Koa would do it when all is over, and answer what JSON has no word for with a text of its own. */
function serialise({ response, body, respond }: Context): void {
  if (respond === false || response.headerSent || !isJson(body)) return
  response.body = JSON.stringify(body) ?? ''
}

function isJson(body: unknown): boolean {
  if (body === null || body === undefined || typeof body === 'string') return false
  const isBytes = body instanceof Uint8Array || body instanceof Blob
  const isStream = body instanceof Readable || body instanceof ReadableStream || body instanceof Response
  return !isBytes && !isStream && typeof (body as { pipe?: unknown }).pipe !== 'function'
}
