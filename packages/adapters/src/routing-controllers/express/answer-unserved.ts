import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Next } from '../exchange.js'
import { sendProblem } from '../problem.js'
import { type Layer, type Place, placeOf } from './place-of-unserved.js'

/**
 * Answers what no route took: says which methods its path has, as Koa's router does by itself. What the host may still
 * answer, behind us or around us, is left to it.
 */
export function answerUnserved(request: IncomingMessage, response: ServerResponse, next: Next): void {
  const place = placeOf(request)
  const method = request.method ?? ''
  if (place?.after.some((layer) => mayTake(layer, place, method))) {
    next()
    return
  }
  const allowed = place ? methodsOf(place) : []
  // What takes a method may still have passed the request on.
  const isTaken = allowed.includes('_ALL') || allowed.includes(method)
  if (allowed.length > 0 && !isTaken) refuse(request, response, allowed)
  else if (place?.isMounted) next()
  else sendProblem(request, response, { status: 404, code: 'not_found' })
}

function refuse(request: IncomingMessage, response: ServerResponse, allowed: readonly string[]): void {
  response.setHeader('Allow', allowed.join(', '))
  if (request.method === 'OPTIONS') response.writeHead(204).end()
  else sendProblem(request, response, { status: 405, code: 'method_not_allowed' })
}

/** Of a middleware nobody knows what it takes; one of four parameters takes errors alone. */
function mayTake(layer: Layer, { path }: Place, method: string): boolean {
  if (!layer.match(path)) return false
  if (!layer.route) return layer.handle.length < 4
  const methods = methodsOfRoute(layer.route)
  return methods.includes('_ALL') || methods.includes(method)
}

/** The methods of all routes of a path up to here, whoever registered them. */
function methodsOf({ path, before }: Place): string[] {
  const methods = before.flatMap((layer) => (layer.route && layer.match(path) ? methodsOfRoute(layer.route) : []))
  return [...new Set(methods)].sort()
}

/** `_ALL` stands for every method. */
function methodsOfRoute({ methods }: NonNullable<Layer['route']>): string[] {
  const names = Object.keys(methods).map((name) => name.toUpperCase())
  return names.includes('GET') ? [...names, 'HEAD'] : names
}
