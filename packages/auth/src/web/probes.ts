import type { IncomingMessage } from 'node:http'
import type { PrometheusMetrics } from '@countersign/adapters/prom-client'
import { sendProblem } from '@countersign/adapters/routing-controllers'
import type { Express, Response } from 'express'
import type { ReadinessCheck } from './readiness.js'

/** What the probes answer from. */
export interface ProbesOptions {
  readonly readiness: Pick<ReadinessCheck, 'look'>
  readonly metrics: Pick<PrometheusMetrics, 'text' | 'contentType'>
  readonly mayReadMetrics: (request: IncomingMessage) => boolean
}

/** What machines ask: whether the process lives, whether it is ready, and how it fares. */
export function mountProbes(app: Express, { readiness, metrics, mayReadMetrics }: ProbesOptions): void {
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })
  app.get('/readyz', (_request, response, next) => {
    // Express 4 looks at no promise: unhandled, its rejection would end the process.
    tellReadiness(response).catch(next)
  })
  // No route: of one, who may not read them would learn from a 405 that they are here.
  app.use('/metrics', (request, response, next) => {
    if (request.path !== '/' || mayReadMetrics(request)) next()
    else sendProblem(request, response, { status: 404, code: 'not_found' })
  })
  app.get('/metrics', (_request, response, next) => {
    tellMetrics(response).catch(next)
  })

  async function tellReadiness(response: Response): Promise<void> {
    const { store, spool } = await readiness.look()
    response.set('Cache-Control', 'no-store')
    if (store === 'ok' && spool === 'ok') response.json({ status: 'ready' })
    else response.status(503).json({ status: 'unready', store, spool })
  }

  async function tellMetrics(response: Response): Promise<void> {
    const text = await metrics.text()
    // Not by `send`, which would write the type in an order of its own.
    response.set({ 'Cache-Control': 'no-store', 'Content-Type': metrics.contentType }).end(text)
  }
}
