import { setTimeout } from 'node:timers/promises'
import {
  type AuditLog,
  auditLog,
  type LogOperations,
  type LogRequests,
  logOperations,
  logRequests,
  logSequencer,
  type Sequencer,
  sqlExecutor,
} from '@countersign/adapters/mikro-orm'
import { type AuditJobs, auditJobs } from '@countersign/adapters/pg-boss'
import { type AuditTrail, currentFlow, recordDegradation } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import type { AuditLogSettings } from '../auth-settings.js'

// Between one try to make the queue and the next, in milliseconds.
const pause = 5000

/** What is done with rows after they were written: leaves, proofs, erasure and retention. */
export interface AuditWork {
  readonly log: AuditLog
  readonly operations: LogOperations
  readonly requests: LogRequests
  /** Begins to give rows their leaves, and to do what is asked for: as soon as the database lets it. */
  start(): Promise<void>
  close(): Promise<void>
}

/** Puts it together. A process without the key of the log reads, asks and decides, and leaves the rest to those with it. */
export function auditWork(orm: MikroORM, trail: AuditTrail, settings: AuditLogSettings): AuditWork {
  const { signer, anchors = [], approval = false, retention } = settings
  const log = auditLog(orm)
  const recording = contributing(trail)
  const operations = logOperations(orm, { trail: recording, anchors, ...(signer && { signer }) })
  const executor = sqlExecutor(orm)
  const requests = logRequests(orm, {
    trail: recording,
    approval,
    enqueue: (id, transaction, alone) => jobs.enqueue(id, transaction, alone),
  })
  const jobs: AuditJobs = auditJobs({
    database: executor,
    requests: requests.worker(operations),
    concurrency: signer ? 2 : 0,
    ...(retention && { schedules: { retention } }),
  })
  const sequencer: Sequencer | null = signer ? logSequencer(orm, { signer, anchors }) : null
  sequencer?.watch(recordDegradation((event, options) => trail.record(event, options)))
  const closing = new AbortController()
  let started: Promise<void> | undefined
  return {
    log,
    operations,
    requests,
    start() {
      sequencer?.start()
      started = untilStarted(jobs, trail, closing.signal)
      return started
    },
    async close() {
      closing.abort()
      if (started) await started.then(() => jobs.stop()).catch(() => undefined)
      await sequencer?.stop()
      await Promise.all([log.close(), operations.close(), requests.close(), executor.close()])
    },
  }
}

/** A database that goes away while the queue is made comes back: those who are served need not notice. */
async function untilStarted(jobs: AuditJobs, trail: AuditTrail, closing: AbortSignal): Promise<void> {
  while (!closing.aborted) {
    try {
      return await jobs.start()
    } catch (cause) {
      trail.report('JOBS_FAILED', 'The queue of jobs could not be made; that is tried again.', cause)
    }
    await setTimeout(pause, undefined, { signal: closing, ref: false }).catch(() => undefined)
  }
}

/** What happens inside of an attempt at the same event is part of that attempt, and no row of its own. */
function contributing(trail: AuditTrail): Pick<AuditTrail, 'record'> {
  return {
    async record(event, options) {
      const running = currentFlow()?.call?.attempts.find((attempt) => attempt.event === event)
      if (!running) await trail.record(event, options)
      else running.details = { ...running.details, ...options?.details }
    },
  }
}
