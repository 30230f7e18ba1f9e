import { type Actor, AuditError, type AuditTrail, isRowId, type RecordOptions, rowId } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import { copyClient, type LogClient, type Statements } from '../sql-client.js'
import { executorOf, type SqlExecutor } from '../sql-executor.js'
import { isLostRace } from '../sql-state.js'
import type { LogOperations } from './log-operations.js'
import {
  checkedParameters,
  invalid,
  isDestructive,
  isRequestKind,
  type RequestKind,
  type RequestParameters,
} from './request-kinds.js'
import {
  findRequest,
  type LogRequest,
  listRequests,
  oneRequest,
  type RequestActor,
  type RequestPage,
  type RequestQuery,
  requestActor,
  requestColumns,
} from './request-records.js'
import { jobActor, RequestRun, type RequestRunOptions } from './request-run.js'

/** What {@link logRequests} works with. */
export interface LogRequestsOptions {
  /** Where requests and decisions are recorded. */
  readonly trail: Pick<AuditTrail, 'record'>
  /** Whether a second person has to approve what can't be undone. */
  readonly approval: boolean
  /**
   * Puts a request into the queue, in this transaction and by no other connection: both stand, or neither.
   * `alone` asks that no other one that is alone runs at the same time.
   */
  readonly enqueue: (id: string, transaction: SqlExecutor, alone: boolean) => Promise<unknown>
}

/** Work on the log that is asked for, decided on, and done by a worker. */
export interface LogRequests {
  /** @throws AuditError `REQUEST_INVALID` */
  request<Kind extends RequestKind>(by: Actor, kind: Kind, parameters: RequestParameters[Kind]): Promise<LogRequest>
  /**
   * Of any number of people who decide at once, one does.
   *
   * @throws AuditError `REQUEST_OWN` for who asked; `REQUEST_DECIDED` where it does not wait (any more);
   * `REQUEST_INVALID`
   */
  decide(by: Actor, id: string, decision: 'approve' | 'refuse'): Promise<LogRequest>
  get(id: string): Promise<LogRequest | null>
  /** @throws AuditError `QUERY_INVALID` or `CURSOR_INVALID` */
  list(query?: RequestQuery): Promise<RequestPage>
  /** What a schedule asks for, which nobody has to approve: once for each of its occurrences. It is not enqueued. */
  scheduled<Kind extends RequestKind>(
    occurrence: string,
    kind: Kind,
    parameters: RequestParameters[Kind],
  ): Promise<LogRequest>
  /**
   * Does what was asked for, in the name of who asked. Null where there is nothing to do: it was not approved, is
   * done, or another worker has it. Rejects where it failed and there are tries left.
   */
  run(id: string, operations: LogOperations, options?: RequestRunOptions): Promise<LogRequest | null>
  /** What a queue of jobs needs of these requests: `auditJobs({ requests: requests.worker(operations) })`. */
  worker(operations: LogOperations): RequestWorker
  close(): Promise<void>
}

/** Requests, and who carries them out. */
export interface RequestWorker extends Pick<LogRequests, 'scheduled'> {
  run(id: string, options: RequestRunOptions): Promise<LogRequest | null>
}

/**
 * The requests of an audit store.
 *
 * @example
 * const requests = logRequests(orm, { trail, approval: true, enqueue: (id) => queue.send('audit_request', { id }) })
 * const asked = await requests.request({ type: 'user', id: 'admin-1' }, 'erasure', { subject: { type: 'user', id: '7' } })
 * await requests.decide({ type: 'user', id: 'admin-2' }, asked.id, 'approve')
 */
export function logRequests(orm: MikroORM, options: LogRequestsOptions): LogRequests {
  return new StoredRequests(copyClient(orm, 2), options)
}

class StoredRequests implements LogRequests {
  readonly #client: LogClient
  readonly #options: LogRequestsOptions

  constructor(client: LogClient, options: LogRequestsOptions) {
    this.#client = client
    this.#options = options
  }

  async request<Kind extends RequestKind>(
    by: Actor,
    kind: Kind,
    parameters: RequestParameters[Kind],
  ): Promise<LogRequest> {
    return this.#recorded('audit_request', by, isRequestKind(kind) ? { kind } : {}, async () => {
      const asker = requestActor(by)
      const checked = checkedParameters(kind, parameters)
      const waits = this.#options.approval && isDestructive(kind)
      const asked = await this.#client.transaction(async (statements) => {
        const inserted = await insert(statements, {
          kind,
          parameters: checked,
          by: asker,
          state: waits ? 'waiting' : 'approved',
        })
        if (inserted && !waits) await this.#enqueue(statements, inserted)
        return inserted
      })
      return [asked as LogRequest, { request: asked?.id ?? '' }]
    })
  }

  async decide(by: Actor, id: string, decision: 'approve' | 'refuse'): Promise<LogRequest> {
    const isKnown = decision === 'approve' || decision === 'refuse'
    const known = { ...(isRowId(id) && { request: id }), ...(isKnown && { decision }) }
    return this.#recorded('audit_decision', by, known, async () => {
      const decider = requestActor(by)
      if (!isKnown) throw invalid("A decision is 'approve' or 'refuse'.")
      if (decider.type !== 'user') throw invalid('Only a person decides. Give the user who does for an actor.')
      const decided = await this.#decided(decider, id, decision)
      if (!decided) throw await this.#whyNot(decider, id)
      return [decided, { kind: decided.kind }]
    })
  }

  get(id: string): Promise<LogRequest | null> {
    return findRequest(this.#client, id)
  }

  list(query: RequestQuery = {}): Promise<RequestPage> {
    return listRequests(this.#client, query)
  }

  async scheduled<Kind extends RequestKind>(
    occurrence: string,
    kind: Kind,
    parameters: RequestParameters[Kind],
  ): Promise<LogRequest> {
    const checked = checkedParameters(kind, parameters)
    const asked = await insert(this.#client, { kind, parameters: checked, by: jobActor, state: 'approved', occurrence })
    if (asked) {
      await this.#options.trail.record('audit_request', { actor: jobActor, details: { request: asked.id, kind } })
      return asked
    }
    return (await oneRequest(
      this.#client,
      `select ${requestColumns} from audit_request where occurrence = $1 and kind = $2`,
      [occurrence, kind],
    )) as LogRequest
  }

  async run(id: string, operations: LogOperations, options: RequestRunOptions = {}): Promise<LogRequest | null> {
    const { attempt = 0, of = 1 } = options
    if (!isRowId(id)) return null
    const taken = await oneRequest(
      this.#client,
      `update audit_request set attempt = $2,
        state = case when $2 < $3 then 'running' else 'failed' end,
        error = case when $2 < $3 then error else coalesce(error, 'abandoned') end,
        finished_at = case when $2 < $3 then null else now() end
      where id = $1 and state in ('approved', 'running') and attempt < $2 returning ${requestColumns}`,
      [id, attempt, of],
    )
    return taken?.state === 'running' ? new RequestRun(this.#client, taken, options).end(operations) : taken
  }

  worker(operations: LogOperations): RequestWorker {
    return {
      run: (id, options) => this.run(id, operations, options),
      scheduled: (occurrence, kind, parameters) => this.scheduled(occurrence, kind, parameters),
    }
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  async #decided(by: RequestActor, id: string, decision: 'approve' | 'refuse'): Promise<LogRequest | null> {
    if (!isRowId(id)) return null
    try {
      return await this.#client.transaction(async (statements) => {
        const decided = await oneRequest(
          statements,
          `update audit_request set decided_by = $2::text::jsonb, decided_at = now(), state = $3,
            finished_at = case when $3 = 'refused' then now() end
          where id = $1 and state = 'waiting'
            and (requested_by->>'type', requested_by->>'id') <> ($2::text::jsonb->>'type', $2::text::jsonb->>'id')
          returning ${requestColumns}`,
          [id, JSON.stringify(by), decision === 'approve' ? 'approved' : 'refused'],
        )
        if (decided?.state === 'approved') await this.#enqueue(statements, decided)
        return decided
      })
    } catch (cause) {
      // Somebody was quicker: now it can be seen who.
      if (isLostRace(cause)) return this.#decided(by, id, decision)
      throw cause
    }
  }

  async #whyNot(by: RequestActor, id: string): Promise<AuditError> {
    const found = await findRequest(this.#client, id)
    if (!found) return invalid('There is no request of that id.')
    const { type, id: asker } = found.requestedBy
    if (found.state === 'waiting' && type === by.type && asker === by.id) {
      return new AuditError(
        'REQUEST_OWN',
        'Nobody decides on a request of their own. Have it approved or refused by somebody else.',
      )
    }
    return new AuditError('REQUEST_DECIDED', `This request does not wait for a decision: it is ${found.state}.`)
  }

  async #enqueue(statements: Statements, { id, kind }: LogRequest): Promise<void> {
    await this.#options.enqueue(id, executorOf(statements), isDestructive(kind))
  }

  /** Records what was tried, however it ends, when its transaction has ended. */
  async #recorded<Event extends 'audit_request' | 'audit_decision'>(
    event: Event,
    actor: Actor,
    known: object,
    attempt: () => Promise<[LogRequest, object]>,
  ): Promise<LogRequest> {
    const record = (options: RecordOptions<Event>) =>
      this.#options.trail.record(event, { ...(actor && { actor }), ...options })
    let made: [LogRequest, object]
    try {
      made = await attempt()
    } catch (cause) {
      await record({ ...endingOf(cause), details: { ...known } })
      throw cause
    }
    await record({ details: { ...known, ...made[1] } })
    return made[0]
  }
}

interface NewRequest {
  readonly kind: RequestKind
  readonly parameters: RequestParameters[RequestKind]
  readonly state: 'waiting' | 'approved'
  readonly by: RequestActor
  readonly occurrence?: string
}

function insert(
  statements: Pick<Statements, 'query'>,
  { kind, parameters, state, by, occurrence }: NewRequest,
): Promise<LogRequest | null> {
  return oneRequest(
    statements,
    `insert into audit_request (id, kind, parameters, state, requested_by, occurrence)
    values ($1, $2, $3::text::jsonb, $4, $5::text::jsonb, $6)
    on conflict (occurrence, kind) do nothing returning ${requestColumns}`,
    [rowId(), kind, JSON.stringify(parameters), state, JSON.stringify(by), occurrence ?? null],
  )
}

function endingOf(cause: unknown): Pick<RecordOptions<'audit_request'>, 'outcome' | 'reason'> {
  const code = cause instanceof AuditError ? cause.code : null
  if (code === 'REQUEST_OWN') return { outcome: 'denied', reason: 'forbidden' }
  if (code === 'REQUEST_DECIDED') return { outcome: 'failure', reason: 'conflict' }
  return { outcome: 'failure', reason: code === 'REQUEST_INVALID' ? 'validation_failed' : 'internal_error' }
}
