import { inspect } from 'node:util'
import { AuditError } from './audit-error.js'
import type { EventDeclaration } from './catalogue.js'
import { type EventDetails, type EventName, isOutcome, type Outcome } from './events.js'
import type { FloodOptions } from './flood-options.js'
import type { ActorLike, Subject } from './identity.js'
import { assertKnownOptions, type KnownOptions } from './known-options.js'
import type { AuditLimiter } from './limiter.js'
import type { AuditMetrics, TrailGauges } from './metrics.js'
import type { EventPolicy } from './policy.js'
import type { AuditReason } from './reasons.js'
import type { AuditRow, Device } from './row.js'
import { type AuditSink, isSink } from './sink.js'
import { type AuditSpool, isSpool } from './spool.js'
import { assertFree } from './taken-spools.js'

/** What a trail is made of. Only the sink is required. */
export interface AuditTrailOptions {
  readonly sink: AuditSink
  /** Where rows wait while the store is away, and those that nobody waits for. Without one, what can't be stored is lost, counted and signalled. */
  readonly spool?: AuditSpool
  /** Milliseconds that an attempt waits for the store before its row goes to the spool, or counts as lost (5,000). */
  readonly patience?: number
  /** Counts attempts for `@Throttle`; one configured scope per name. When its store is away, that is two rows. */
  readonly limiter?: AuditLimiter
  /**
   * The root of the keyed hashes of identifiers and sessions, at least 32 bytes. Without it the
   * hashes of one process can't be compared with those of another.
   */
  readonly key?: string | Uint8Array
  /** Your own events: severity and names in other vocabularies. */
  readonly events?: Readonly<Record<string, EventDeclaration>>
  /** How rows are delivered, and what happens when they can't be: `awaited`, and `spool` where there is one. */
  readonly policies?: { readonly [Event in EventName]?: EventPolicy }
  /** Sees every row before it is written, and may change it; secrets are taken out afterwards. */
  readonly transform?: (row: AuditRow) => TransformedRow
  /** Answers true to leave a row out: no row, no signal, counted as vetoed. */
  readonly veto?: (row: AuditRow) => boolean
  /** Collapses repeats of the same denial into one row for each window; without it every denial has its own. */
  readonly floods?: FloodOptions
  /** Told of rows, batches and losses. */
  readonly metrics?: AuditMetrics
  /** Parses a user agent; what it throws costs the device and nothing else. */
  readonly device?: (userAgent: string) => Device | null
}

/** A row as a transform returns it: its details may be of any shape. */
export type TransformedRow = Omit<AuditRow, 'details'> & { readonly details: object }

/** An attempt that no method call stands for: a job, a command, a rule that fired. */
export interface RecordOptions<Event extends EventName> {
  readonly outcome?: Outcome
  readonly reason?: AuditReason
  readonly actor?: ActorLike
  readonly onBehalfOf?: ActorLike
  readonly subject?: Subject
  readonly attempted?: string
  /** The session that it belongs to; stored as a keyed hash. */
  readonly session?: string
  readonly details?: EventDetails<Event>
}

/** What a trail did since it was made. */
export interface TrailCounts {
  readonly recorded: number
  readonly vetoed: number
  readonly lost: number
}

/** How a trail fares. */
export interface TrailHealth extends TrailGauges {
  /** Whether the spool takes rows: false when its last rows were refused, or the disk failed. True without one. */
  readonly spooling: boolean
}

const known: KnownOptions<AuditTrailOptions> = {
  sink: true,
  spool: true,
  patience: true,
  limiter: true,
  key: true,
  events: true,
  policies: true,
  transform: true,
  veto: true,
  floods: true,
  metrics: true,
  device: true,
}

/** @throws AuditError `SINK_INVALID`, `SPOOL_INVALID`, `SETTING_INVALID` */
export function assertTrailOptions(options: AuditTrailOptions): void {
  const { sink, spool, patience } = options ?? {}
  if (!isSink(sink)) {
    throw new AuditError(
      'SINK_INVALID',
      `A trail needs a sink, an object with write(rows), and was given ${inspect(sink, { depth: 0 })}. Write: createAuditTrail({ sink: memorySink() })`,
    )
  }
  if (spool !== undefined && !isSpool(spool)) {
    throw new AuditError(
      'SPOOL_INVALID',
      `${inspect(spool, { depth: 0 })} is no spool. Write: createAuditTrail({ sink, spool: fileSpool({ folder: 'data/spool' }) })`,
    )
  }
  if (patience !== undefined && !(Number.isFinite(patience) && patience > 0 && patience <= longestPatience)) {
    throw new AuditError(
      'SETTING_INVALID',
      `patience is in milliseconds, above 0 and at most ${longestPatience}, and was ${inspect(patience)}.`,
    )
  }
  assertKnownOptions('createAuditTrail', options, known)
  for (const name of ['transform', 'veto', 'device'] as const) assertFunction(name, options[name])
  assertMetrics(options.metrics)
  if (spool) assertFree(spool)
}

function assertMetrics(metrics: AuditMetrics | undefined): void {
  if (metrics === undefined) return
  const methods = ['stored', 'lost', 'batch', 'gauges'] as const
  const missing = methods.filter((method) => typeof metrics?.[method] !== 'function')
  if (missing.length === 0) return
  throw new AuditError(
    'SETTING_INVALID',
    `metrics needs the methods ${methods.join(', ')}, and has no ${missing.join(', ')}. Write: metrics: prometheusMetrics()`,
  )
}

function assertFunction(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return
  throw new AuditError('SETTING_INVALID', `${name} must be a function, and was ${inspect(value)}.`)
}

// A timer takes no more.
const longestPatience = 2_147_483_647

/** @throws AuditError `SETTING_INVALID` */
export function assertOutcome(outcome: unknown): void {
  if (outcome === undefined || isOutcome(outcome)) return
  throw new AuditError('SETTING_INVALID', `${inspect(outcome)} is no outcome. Write 'success', 'failure' or 'denied'.`)
}

/** @throws AuditError `SETTING_INVALID` */
export function assertRun(run: unknown): void {
  if (typeof run === 'function') return
  throw new AuditError(
    'SETTING_INVALID',
    `runSealed was given ${inspect(run)} to run. Write: trail.runSealed(job.context, 'invoices', () => invoices.close(job))`,
  )
}
