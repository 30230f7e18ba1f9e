import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Request } from 'express'
import { sendProblem } from '../problem.js'

/** An application of Express, which has no public way to ask its router. */
interface Routed {
  path(): string
  /** Of Express 4 alone. */
  readonly _router?: { readonly stack: readonly Layer[] }
}

interface Layer {
  /** Absent for a middleware. */
  readonly route?: { readonly methods: Readonly<Record<string, boolean>> }
  match(path: string): boolean
}

/** Answers what no route took: says which methods its path has, as Koa's router does by itself. */
export function answerUnserved(request: IncomingMessage, response: ServerResponse): void {
  const allowed = methodsOfPath(request as Request)
  // What takes a method may still have passed the request on.
  if (allowed.length === 0 || allowed.includes(request.method ?? '')) {
    sendProblem(request, response, { status: 404, code: 'not_found' })
    return
  }
  response.setHeader('Allow', allowed.join(', '))
  if (request.method === 'OPTIONS') response.writeHead(204).end()
  else sendProblem(request, response, { status: 405, code: 'method_not_allowed' })
}

/** The methods of all routes of a path, whoever registered them. */
function methodsOfPath({ app, baseUrl, path }: Request): string[] {
  const { _router: router } = app as Routed
  // In an application that is mounted in another one, paths begin behind the place where it is.
  const place = (app as Routed).path().replace(/\/+/g, '/').replace(/\/$/, '')
  const ownPath = `${baseUrl}${path}`.slice(place.length)
  const methods = (router?.stack ?? []).flatMap((layer) =>
    layer.route && layer.match(ownPath) ? Object.keys(layer.route.methods).map((name) => name.toUpperCase()) : [],
  )
  if (methods.includes('GET')) methods.push('HEAD')
  return [...new Set(methods)].sort()
}
