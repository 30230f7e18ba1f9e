import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { safeDefaults } from '@countersign/adapters/routing-controllers'
import express, { type Express, type NextFunction } from 'express'
import Koa from 'koa'
import {
  createExpressServer,
  createKoaServer,
  type RoutingControllersOptions,
  useExpressServer,
  useKoaServer,
} from 'routing-controllers'
import { type Served, serve } from './serve.js'

/** What is asked of a server besides its controllers; `safeDefaults` stand unless they are named. */
export type DriverOptions = Omit<RoutingControllersOptions, 'controllers'>

/** What every request passes before routing-controllers has it. */
export type InFront = (incoming: IncomingMessage, outgoing: ServerResponse) => void

/** One of the frameworks that routing-controllers drives. */
export interface Driver {
  readonly name: 'Express' | 'Koa'
  /** Makes a server of audited or bare controllers, and does not listen. */
  create(controllers: readonly unknown[], options?: DriverOptions): RequestListener
  /** Makes a server inside an application of the user's own. */
  use(inFront: InFront, controllers: readonly unknown[], options?: DriverOptions): RequestListener
  /** Makes a server and listens on a free port of the loopback interface. */
  serve(controllers: readonly unknown[], options?: DriverOptions): Promise<Served>
}

/** What a server of controllers is made with. */
export const all = (controllers: readonly unknown[], options: DriverOptions = {}): RoutingControllersOptions => ({
  ...safeDefaults,
  ...options,
  controllers: [...controllers] as never,
})

const onExpress: Omit<Driver, 'serve'> = {
  name: 'Express',
  create: (controllers, options) => createExpressServer(all(controllers, options)) as Express,
  use(inFront, controllers, options) {
    const app = express()
    app.use((request, response, next) => {
      inFront(request, response)
      next()
    })
    return useExpressServer(app, all(controllers, options))
  },
}

const onKoa: Omit<Driver, 'serve'> = {
  name: 'Koa',
  create: (controllers, options) => quiet(createKoaServer(all(controllers, options))),
  use(inFront, controllers, options) {
    const app = new Koa()
    app.use(({ req, res }, next) => {
      inFront(req, res)
      return next()
    })
    return quiet(useKoaServer(app, all(controllers, options)))
  },
}

/** Koa prints every error that nobody listens to, a client that hangs up too. */
function quiet(app: Koa): RequestListener {
  app.silent = true
  return app.callback()
}

/** Every suite about the adapter runs once for each of them. */
export const drivers: readonly Driver[] = [onExpress, onKoa].map((driver) => ({
  ...driver,
  serve: (controllers, options) => serve(driver.create(controllers, options)),
}))

/** What `@Res()` gives on one driver or the other. */
export type AnyResponse = express.Response | Koa.Response

const isKoas = (response: AnyResponse): response is Koa.Response => 'res' in response

export function setStatus(response: AnyResponse, status: number): void {
  if (isKoas(response)) response.status = status
  else response.status(status)
}

/** Answers as a handler may that does not return its result, and returns what such a handler returns. */
export function send(response: AnyResponse, status: number, body: object): AnyResponse {
  if (!isKoas(response)) return response.status(status).json(body)
  response.status = status
  response.body = body
  return response
}

/** Node's response. */
export function outgoingOf(response: AnyResponse): ServerResponse {
  return isKoas(response) ? response.res : response
}

/** A middleware for `@UseBefore` that answers with a status where a request is to be refused. */
export function refusing(status: number, isRefused: (request: IncomingMessage) => boolean) {
  return function refuse(...given: unknown[]): unknown {
    if (given.length === 2) {
      const [context, next] = given as [Koa.Context, Koa.Next]
      if (!isRefused(context.req)) return next()
      context.body = null
      context.status = status
      return undefined
    }
    const [request, response, next] = given as [express.Request, express.Response, NextFunction]
    if (isRefused(request)) response.status(status).end()
    else next()
    return undefined
  }
}
