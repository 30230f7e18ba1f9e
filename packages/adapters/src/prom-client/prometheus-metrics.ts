import { inspect } from 'node:util'
import { AuditError, type AuditMetrics, type TrailGauges } from '@countersign/core'
import { Registry } from 'prom-client'
import { type Measures, type MeasuresSources, measures } from './measures.js'
import { RowCounts } from './row-counts.js'

/** Where the figures are kept, and how they are named. */
export interface PrometheusOptions {
  /** A registry that other metrics are in as well; one of its own unless told. */
  readonly registry?: Registry
  /** What every name begins with (`countersign_`). */
  readonly prefix?: string
  /** Events that are told apart, those of the catalogue first (200); the rest count as `other`. */
  readonly maxEvents?: number
}

/** Metrics of one or more trails, as Prometheus reads them. */
export interface PrometheusMetrics extends AuditMetrics {
  readonly registry: Registry
  /** The media type of {@link text}. */
  readonly contentType: string
  /** Everything in the registry, in the text format of Prometheus. */
  text(): Promise<string>
}

/**
 * Counts rows, batches and losses for Prometheus. Labels are names of events, outcomes, and `store`
 * or `spool`: nothing that a client wrote. Trails that share it are counted together: what waits
 * is summed up, and the store counts as reachable when all of them reach theirs.
 *
 * @throws AuditError `SETTING_INVALID`
 * @example
 * const metrics = prometheusMetrics()
 * const trail = createAuditTrail({ sink, metrics })
 * // to be served as metrics.contentType
 * await metrics.text()
 */
export function prometheusMetrics(options: PrometheusOptions = {}): PrometheusMetrics {
  const { registry = new Registry(), prefix = 'countersign_', maxEvents = 200 } = options
  assertOptions(registry, prefix, maxEvents)
  const readers: Array<() => TrailGauges> = []
  const counts = new RowCounts(maxEvents)
  const trails = () => readers.map((read) => read())
  const { delivery, batchRows, batchSeconds } = measuresIn(registry, prefix, { counts, trails })
  const delivered = { store: delivery.labels({ where: 'store' }), spool: delivery.labels({ where: 'spool' }) }
  return {
    registry,
    contentType: registry.contentType,
    text: () => registry.metrics(),
    stored(row, where, seconds) {
      counts.stored(row, where)
      delivered[where].observe(seconds)
    },
    lost: (row) => counts.lost(row),
    batch(rows, seconds) {
      batchRows.observe(rows)
      batchSeconds.observe(seconds)
    },
    gauges: (read) => void readers.push(read),
  }
}

function measuresIn(registry: Registry, prefix: string, sources: MeasuresSources): Measures {
  try {
    return measures(registry, prefix, sources)
  } catch (cause) {
    const message = `The registry has metrics that begin with '${prefix}' already. Let the trails share one prometheusMetrics(), or give this one a prefix of its own.`
    throw new AuditError('SETTING_INVALID', message, { cause })
  }
}

function assertOptions(registry: unknown, prefix: unknown, maxEvents: unknown): void {
  if (typeof (registry as Partial<Registry> | null)?.registerMetric !== 'function')
    refuse("The registry of prometheusMetrics is none. Write: prometheusMetrics({ registry }), with prom-client's")
  if (typeof prefix !== 'string' || !/^[a-z][a-z0-9_]*_$/i.test(prefix))
    refuse(`${inspect(prefix)} can't begin the name of a metric. Write: prometheusMetrics({ prefix: 'shop_audit_' })`)
  if (!Number.isInteger(maxEvents) || (maxEvents as number) < 1)
    refuse(`maxEvents of prometheusMetrics is a whole number from 1, and was ${inspect(maxEvents)}.`)
}

function refuse(message: string): never {
  throw new AuditError('SETTING_INVALID', message)
}
