import type { IncomingMessage } from 'node:http'
import type { Express, Request, RequestHandler } from 'express'
import { ExpressDriver } from 'routing-controllers'
import { ProblemNotFound } from '../problem-middlewares.js'

/** A part of an application of Express, which has no public way to ask its router. */
export interface Layer {
  /** Absent for a middleware. */
  readonly route?: { readonly methods: Readonly<Record<string, boolean>> }
  readonly handle: { readonly length: number }
  match(path: string): boolean
}

/** Where in an application a request is that nothing took until then. */
export interface Place {
  /** As the routes of the application have it, whatever it is mounted below. */
  readonly path: string
  readonly isMounted: boolean
  readonly before: readonly Layer[]
  readonly after: readonly Layer[]
}

const places = new WeakMap<IncomingMessage, Place>()
const { registerMiddleware } = ExpressDriver.prototype

/** Where a request was when it came to {@link ProblemNotFound}. */
export function placeOf(request: IncomingMessage): Place | undefined {
  return places.get(request)
}

/**
 * From now on {@link ProblemNotFound} knows its place in every Express server of routing-controllers, which would tell
 * it neither what else its application has, nor where in a path its prefix begins.
 */
export function placeUnserved(): void {
  ExpressDriver.prototype.registerMiddleware = function (this: ExpressDriver, middleware, options) {
    if (middleware.instance instanceof ProblemNotFound) notePlaces(this.express as Express)
    registerMiddleware.call(this, middleware, options)
  }
}

function notePlaces(app: Express): void {
  const note: RequestHandler = (request, _response, next) => {
    places.set(request, placeIn(app, request, note))
    next()
  }
  app.use(note)
}

function placeIn(app: Express, { baseUrl, path }: Request, note: RequestHandler): Place {
  // Of Express 4 alone.
  const { parent, _router: router } = app as { parent?: unknown; _router?: { stack: readonly Layer[] } }
  const stack = router?.stack ?? []
  const own = stack.findIndex(({ handle }) => handle === note)
  const isMounted = parent !== undefined || baseUrl !== ''
  // The next is ProblemNotFound itself.
  return { path, isMounted, before: stack.slice(0, own), after: stack.slice(own + 2) }
}
