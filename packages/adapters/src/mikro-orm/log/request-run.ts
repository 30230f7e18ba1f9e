import { AuditError } from '@countersign/core'
import { parseReceipt } from '@countersign/core/evidence'
import type { LogClient } from '../sql-client.js'
import type { ErasureProgress } from './erasure.js'
import type { LogOperations, Operator } from './log-operations.js'
import type { RequestResults } from './request-kinds.js'
import { type LogRequest, oneRequest, type RequestActor, requestColumns } from './request-records.js'

/** Which try this is, and how it can be ended. */
export interface RequestRunOptions {
  /** The number of the try, from 0; a later one takes over from an earlier one that was never heard of again. */
  readonly attempt?: number
  /** How many tries there are (1). The one after the last of them only says that all have failed. */
  readonly of?: number
  /** Has it break off after the step that is under way. */
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, of: number) => void
}

/** Who does what was asked for. */
export const jobActor: RequestActor = { type: 'service', id: 'audit-jobs' }

const betweenNotes = 1000
const mostFindings = 100
// Another try would end the same way.
const hopeless: ReadonlySet<string> = new Set(['ERASURE_TOO_LARGE', 'HOLD_INVALID', 'REQUEST_INVALID'])

/** A later try has this request: what this one finds no longer counts. */
class TakenOver extends Error {}

/** One try at a request. Whatever it writes is written only while no later try has taken the request over. */
export class RequestRun {
  readonly #client: LogClient
  readonly #request: LogRequest
  readonly #options: Required<Pick<RequestRunOptions, 'attempt' | 'of'>> & RequestRunOptions
  #lastNote = Number.NEGATIVE_INFINITY

  constructor(client: LogClient, request: LogRequest, options: RequestRunOptions) {
    this.#client = client
    this.#request = request
    this.#options = { attempt: 0, of: 1, ...options }
  }

  /** Answers with the request as it ended; null where a later try has taken it over. Rejects where it may be tried again. */
  async end(operations: LogOperations): Promise<LogRequest | null> {
    try {
      const result = await this.#carryOut(operations)
      return await this.#write(`state = 'done', result = $3::text::jsonb, error = null, finished_at = now()`, result)
    } catch (cause) {
      if (cause instanceof TakenOver) return null
      const { attempt, of } = this.#options
      const isLast = attempt + 1 >= of || (cause instanceof AuditError && hopeless.has(cause.code))
      const ended = await this.#write(
        isLast ? `state = 'failed', error = $3, finished_at = now()` : `state = 'approved', error = $3`,
        codeOf(cause),
      )
      if (ended !== null && !isLast) throw cause
      return ended
    }
  }

  #carryOut(operations: LogOperations): Promise<RequestResults[keyof RequestResults]> {
    const { kind, parameters } = this.#request
    const by = this.#operator()
    const onProgress: ErasureProgress = (done, of) => this.#progressed(done, of)
    switch (kind) {
      case 'erasure': {
        const { subject, identifiers = [] } = parameters
        return erased(operations.erase(by, { subject, attempted: identifiers }, onProgress))
      }
      case 'personal_horizon':
        return erased(operations.erase(by, { before: new Date(parameters.before) }, onProgress))
      case 'retention':
        return pruned(operations.prune(by, new Date(parameters.before), parameters.disposal, onProgress))
      case 'hold_release':
        return this.#release(operations, parameters.hold)
      case 'verification':
        return this.#verify(operations)
    }
  }

  #operator(): Operator {
    const { requestedBy } = this.#request
    const isOwn = requestedBy.type === jobActor.type && requestedBy.id === jobActor.id
    return isOwn ? jobActor : { ...jobActor, onBehalfOf: requestedBy }
  }

  async #release(operations: LogOperations, id: string): Promise<RequestResults['hold_release']> {
    const { requestedBy } = this.#request
    const known = this.#options.attempt === 0 ? [] : await operations.holds()
    const released = known.find((hold) => hold.id === id && hold.releasedAt !== null)
    // An earlier try may have got so far, and no further.
    if (released?.releasedBy !== requestedBy.id) await operations.releaseHold(this.#operator(), id)
    return { hold: id }
  }

  async #verify(operations: LogOperations): Promise<RequestResults['verification']> {
    const [log] = await this.#client.query<{ size: number }>(
      'select tree_size::float8 as size from audit_log_state',
      [],
    )
    let noted: Promise<void> = Promise.resolve()
    let lost: unknown
    const report = await operations.verify(this.#operator(), {
      onProgress: (leaves) => {
        if (lost !== undefined) throw lost
        this.#options.signal?.throwIfAborted()
        noted = this.#progressed(leaves, log?.size ?? leaves).catch((cause: unknown) => {
          lost = cause
        })
      },
    })
    await noted
    return { ...report, findings: report.findings.slice(0, mostFindings) }
  }

  async #progressed(done: number, of: number): Promise<void> {
    this.#options.onProgress?.(done, of)
    this.#options.signal?.throwIfAborted()
    const now = performance.now()
    if (done < of && now - this.#lastNote < betweenNotes) return
    this.#lastNote = now
    if ((await this.#write('progress = $3::text::jsonb', { done, of })) === null) throw new TakenOver()
  }

  #write(assignments: string, value: unknown): Promise<LogRequest | null> {
    return oneRequest(
      this.#client,
      `update audit_request set ${assignments} where id = $1 and state = 'running' and attempt = $2
      returning ${requestColumns}`,
      [this.#request.id, this.#options.attempt, typeof value === 'string' ? value : JSON.stringify(value)],
    )
  }
}

async function erased(erasure: ReturnType<LogOperations['erase']>): Promise<RequestResults['erasure']> {
  const { id, rows, held } = await erasure
  return { receipt: id, rows, held }
}

async function pruned(pruning: ReturnType<LogOperations['prune']>): Promise<RequestResults['retention']> {
  // The receipt itself is in the log.
  const months = (await pruning).map((month) => ({ ...month, receipt: receiptId(month.receipt) }))
  return { rows: months.reduce((sum, { rows }) => sum + rows, 0), months }
}

function receiptId(note: string | null): string | null {
  return note === null ? null : (parseReceipt(note)?.receipt.id ?? null)
}

/** What can be kept of an error: its message may quote what is in a row. */
function codeOf(cause: unknown): string {
  const { code, name } = (cause ?? {}) as { code?: unknown; name?: unknown }
  if (name === 'AbortError') return 'aborted'
  return typeof code === 'string' && /^\w{1,40}$/.test(code) ? code : 'internal_error'
}
