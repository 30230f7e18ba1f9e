import type Koa from 'koa'
import { KoaDriver } from 'routing-controllers'
import { ProblemErrors, ProblemNotFound } from '../problem-middlewares.js'
import { KoaFront, type KoaServer } from './koa-front.js'

const fronts = new WeakMap<KoaDriver, KoaFront>()
const servers = new WeakMap<Koa, KoaServer[]>()
const { initialize, registerMiddleware } = KoaDriver.prototype

/**
 * From now on every Koa server of routing-controllers begins with a {@link KoaFront}: there is no
 * option by which `createKoaServer` could be given something that runs before it reads the body.
 */
export function frontKoaServers(): void {
  KoaDriver.prototype.initialize = function (this: KoaDriver) {
    const app = this.koa as Koa
    const together = servers.get(app) ?? []
    servers.set(app, together)
    const front = new KoaFront(together)
    fronts.set(this, front)
    app.use(front.handle)
    const index = app.middleware.length
    initialize.call(this)
    together.push({ router: this.router, parser: app.middleware[index] as Koa.Middleware })
  }
  KoaDriver.prototype.registerMiddleware = function (this: KoaDriver, middleware) {
    const front = fronts.get(this)
    const { instance } = middleware
    if (front && instance instanceof ProblemErrors) front.errors = instance
    else if (front && instance instanceof ProblemNotFound) front.answersNotFound = true
    else registerMiddleware.call(this, middleware)
  }
}
