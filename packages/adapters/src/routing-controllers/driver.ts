import type { NextFunction, Request, Response } from 'express'
import type { Context, Next } from 'koa'
import type { Exchange } from './exchange.js'
import { ExpressExchange } from './express/express-exchange.js'
import { KoaExchange } from './koa/koa-exchange.js'

/** Express calls a middleware with request, response and next; Koa with its context and next. */
export function exchangeOf(given: readonly unknown[]): Exchange {
  if (given.length === 2) return new KoaExchange(given[0] as Context, given[1] as Next)
  const [request, response, next] = given
  return new ExpressExchange(request as Request, response as Response, next as NextFunction)
}
