import { AsyncLocalStorage } from 'node:async_hooks'
import { AuditError, warn } from '@countersign/core'
import { type ConstructorOptions, type JobWithMetadata, PgBoss } from 'pg-boss'
import {
  assertRetention,
  invalid,
  type JobData,
  type JobRequests,
  keepRetention,
  type RetentionSchedule,
} from './job-work.js'

/** Runs SQL in a database, or in a transaction. A text without values may hold several statements. */
interface Executor {
  executeSql(text: string, values?: readonly unknown[]): Promise<{ rows: unknown[] }>
}

/** Where the queue is: in the store's own database, through its connection (`sqlExecutor(orm)`) or one of its own. */
export type JobDatabase = Executor | { readonly connectionString: string }

/** What {@link auditJobs} works with. */
export interface AuditJobsOptions {
  readonly database: JobDatabase
  readonly requests: JobRequests
  /** Without it only partitions are made ahead. */
  readonly schedules?: RetentionSchedule
  /** How many jobs this process works on at once (2), of which one at most is destructive; with 0 it only asks for work. */
  readonly concurrency?: number
  /** The schema of the queue (`countersign_jobs`). */
  readonly schema?: string
  /** Told of tries that failed, and of a queue that can't work; a process warning unless given. */
  readonly onFault?: (error: AuditError) => void
}

/** The jobs of an audit store. Any number of processes may have them on one database. */
export interface AuditJobs {
  /**
   * Makes the queue where it is missing, and begins to work.
   *
   * @throws AuditError `JOBS_FAILED` where its database can't be worked with; it may be called again
   */
  start(): Promise<void>
  /**
   * Asks for a request to be run; in the transaction, if one is given. Once for each request: a second time is no error.
   * Of those that are `alone` (all, unless told) one runs at a time.
   *
   * @throws AuditError `JOBS_FAILED` where it was not started
   */
  enqueue(requestId: string, transaction?: Executor, alone?: boolean): Promise<void>
  /** Waits half a minute for what is under way, then has it break off after its next step: its next try goes on. */
  stop(): Promise<void>
}

const queue = 'audit_request'
const tries = 5
const aloneGroup = { id: 'alone' }
const dayOfSeconds = 86_400
const usualCron = '17 3 * * *'

const queueOptions = {
  // The one after the last try says that all have failed, where the workers died.
  retryLimit: tries,
  ...{ retryDelay: 5, retryBackoff: true, retryDelayMax: 600 },
  // A worker that was not heard of for so long is dead; one that lives may take its time.
  ...{ heartbeatSeconds: 60, expireInSeconds: dayOfSeconds - 60 },
  ...{ retentionSeconds: 365 * dayOfSeconds, deleteAfterSeconds: 30 * dayOfSeconds },
}

// What this queue does not use, or does not need so often.
const lightly = {
  ...{ reindex: false, monitorVacuum: false, persistWarnings: false, persistQueueStats: false },
  ...{ flowIntervalSeconds: 3600, bamIntervalSeconds: 3600, cronMonitorIntervalSeconds: 30 },
}

/**
 * Runs what was asked for of a log, and its retention every day, on pg-boss.
 *
 * @throws AuditError `SETTING_INVALID`
 * @example
 * const enqueue = (id: string, transaction: SqlExecutor, alone: boolean) => jobs.enqueue(id, transaction, alone)
 * const jobs: AuditJobs = auditJobs({
 *   database: sqlExecutor(orm),
 *   requests: logRequests(orm, { trail, approval: false, enqueue }).worker(logOperations(orm, { trail })),
 *   schedules: { retention: { days: 730, personalDays: 180 } },
 * })
 * await jobs.start()
 */
export function auditJobs(options: AuditJobsOptions): AuditJobs {
  const { concurrency = 2, schedules = {} } = options
  if (!Number.isInteger(concurrency) || concurrency < 0 || concurrency > 20)
    throw invalid('concurrency is a whole number from 0 to 20.')
  assertRetention(schedules.retention ?? {})
  return new QueuedJobs(options, concurrency)
}

class QueuedJobs implements AuditJobs {
  readonly #options: AuditJobsOptions
  readonly #concurrency: number
  readonly #boss: PgBoss
  readonly #cron: string
  /** The transaction that a job is sent in: on PGlite, whatever went by another way would wait for its end. */
  readonly #transaction = new AsyncLocalStorage<Executor>()
  readonly #running = new Set<Promise<void>>()
  #started = false
  #lastFault = Number.NEGATIVE_INFINITY

  constructor(options: AuditJobsOptions, concurrency: number) {
    this.#options = options
    this.#concurrency = concurrency
    this.#boss = new PgBoss({
      ...{ schema: options.schema ?? 'countersign_jobs', ...lightly },
      ...(concurrency === 0 && { schedule: false, supervise: false }),
      ...this.#connection(options.database),
    })
    this.#boss.on('error', (cause) => this.#queueFailed(cause))
    this.#cron = this.#readable(options.schedules?.cron ?? usualCron)
  }

  async start(): Promise<void> {
    try {
      await this.#boss.start()
      await this.#boss.createQueue(queue, queueOptions)
      this.#started = true
      if (this.#concurrency > 0) await this.#work()
    } catch (cause) {
      this.#started = false
      await this.#boss.stop({ graceful: false }).catch(() => undefined)
      throw new AuditError(
        'JOBS_FAILED',
        'The queue of jobs could not be made. Look at the cause, and at the database.',
        { cause },
      )
    }
  }

  async enqueue(requestId: string, transaction?: Executor, alone = true): Promise<void> {
    if (!this.#started)
      throw new AuditError(
        'JOBS_FAILED',
        'The queue of jobs was not started, so nothing can be asked of it. Call start() first.',
      )
    const options = { id: requestId, ...(alone && { group: aloneGroup }) }
    const data: JobData = { request: requestId }
    if (!transaction) await this.#boss.send(queue, data, options)
    else await this.#transaction.run(transaction, () => this.#boss.send(queue, data, { ...options, db: transaction }))
  }

  async stop(): Promise<void> {
    this.#started = false
    await this.#boss.stop()
    await Promise.allSettled(this.#running)
  }

  #connection(database: JobDatabase): ConstructorOptions {
    if ('connectionString' in database) return { connectionString: database.connectionString, max: 3 }
    return {
      db: { executeSql: (text, values) => (this.#transaction.getStore() ?? database).executeSql(text, values) },
    }
  }

  #readable(cron: string): string {
    try {
      this.#boss.previewSchedule(cron, { count: 1 })
      return cron
    } catch (cause) {
      throw invalid(`cron can't be read. Write: cron: '${usualCron}' (${String((cause as Error).message)})`)
    }
  }

  async #work(): Promise<void> {
    const data: JobData = { schedule: 'audit_retention' }
    const options = { key: 'audit_retention', missed: 'once', group: aloneGroup } as const
    await this.#boss.schedule(queue, this.#cron, data, options)
    await this.#boss.work(
      queue,
      { includeMetadata: true, localConcurrency: this.#concurrency, groupConcurrency: 1 },
      ([job]: JobWithMetadata<JobData>[]) => this.#worked(job as JobWithMetadata<JobData>),
    )
  }

  async #worked(job: JobWithMetadata<JobData>): Promise<void> {
    const running = this.#run(job)
    this.#running.add(running)
    await running.finally(() => this.#running.delete(running))
  }

  async #run({ id, data, retryCount, signal }: JobWithMetadata<JobData>): Promise<void> {
    const { requests, schedules } = this.#options
    const how = { attempt: retryCount, of: tries, signal }
    try {
      if ('request' in data) await requests.run(data.request, how)
      else {
        await this.#boss.getDb().executeSql('select audit_ensure_partitions()')
        await keepRetention(requests, schedules?.retention ?? {}, id, how)
      }
    } catch (cause) {
      const message = `The job ${id} failed at try ${retryCount + 1} of ${tries}.`
      if (!signal.aborted) this.#tell(new AuditError('JOBS_FAILED', `${message} Look at the cause.`, { cause }))
      // The queue keeps what it is told, and an error of the database may quote what is in a row.
      throw new AuditError('JOBS_FAILED', message)
    }
  }

  /** A database that is away fails every look for work: said once a minute. */
  #queueFailed(cause: unknown): void {
    const now = performance.now()
    if (now - this.#lastFault < 60_000) return
    this.#lastFault = now
    this.#tell(
      new AuditError(
        'JOBS_FAILED',
        'The queue of jobs failed; it goes on trying. Look at the cause, and at the database.',
        { cause },
      ),
    )
  }

  #tell(error: AuditError): void {
    const { onFault = warn } = this.#options
    onFault(error)
  }
}
