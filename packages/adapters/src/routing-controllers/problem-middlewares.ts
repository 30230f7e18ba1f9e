import type { IncomingMessage, ServerResponse } from 'node:http'
import { Throttled } from '@countersign/core'
import { Middleware } from 'routing-controllers'
import { clientLeft, isBrokenOff } from './departed-client.js'
import type { Next } from './exchange.js'
import { answerUnserved } from './express/answer-unserved.js'
import { type FrameworkRequest, type FrameworkResponse, outgoingOf } from './framework.js'
import { sendProblem, sendThrottled } from './problem.js'
import { problemOf } from './problem-of-error.js'
import { callOf } from './request-call.js'

/**
 * Every error becomes a problem document, and the reason of the attempt: as the last middleware on
 * Express, around all others on Koa.
 */
export class ProblemErrors {
  error(error: unknown, request: FrameworkRequest, response: FrameworkResponse, next: Next): void {
    const call = callOf(request)
    const problem = isBrokenOff(request, error) ? clientLeft : problemOf(error)
    if (call && !call.closed) {
      call.error ??= error
      call.reason ??= problem.code
    }
    const { headersSent, writableEnded } = outgoingOf(response)
    if (headersSent) {
      // The head is out: nothing that could be sent now would be understood.
      if (!writableEnded) next(error)
      return
    }
    if (error instanceof Throttled) sendThrottled(request, response, error)
    else sendProblem(request, response, problem)
  }
}

/** True when routing-controllers has a route for a request, and began to serve it. */
export function isServed(request: object): boolean {
  return (request as { routingControllersStarted?: boolean }).routingControllersStarted === true
}

/**
 * Answers what no route takes, with `Allow` where another method would be taken: on Express as the last middleware,
 * where it also answers what threw something that Express takes for no error; on Koa when every middleware has left
 * it unanswered. What others may answer that were registered after it, or around it, it passes on to them.
 */
export class ProblemNotFound {
  use(request: IncomingMessage, response: ServerResponse, next: Next): void {
    if (response.headersSent) next()
    else if (!isServed(request)) answerUnserved(request, response, next)
    else if (callOf(request)?.error !== undefined)
      sendProblem(request, response, { status: 500, code: 'internal_error' })
    else next()
  }
}

Middleware({ type: 'after', priority: -1 })(ProblemErrors)
Middleware({ type: 'after', priority: -2 })(ProblemNotFound)
