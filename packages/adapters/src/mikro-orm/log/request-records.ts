import { type Actor, AuditError, isRowId } from '@countersign/core'
import type { Statements } from '../sql-client.js'
import { invalid, type RequestKind, type RequestParameters, type RequestResults } from './request-kinds.js'

/** Who asked, or decided: nothing that could be personal. */
export type RequestActor = Required<Pick<Actor, 'type' | 'id'>>

export type RequestState = 'waiting' | 'approved' | 'running' | 'done' | 'failed' | 'refused'

interface RequestOf<Kind extends RequestKind> {
  readonly id: string
  readonly kind: Kind
  readonly parameters: RequestParameters[Kind]
  /** `approved` is also what waits for its next try. */
  readonly state: RequestState
  readonly requestedBy: RequestActor
  readonly requestedAt: Date
  /** Null where nobody had to decide. */
  readonly decidedBy: RequestActor | null
  readonly decidedAt: Date | null
  /** Rows, months or leaves; of a try that is under way, and where it ended. */
  readonly progress: { readonly done: number; readonly of: number } | null
  readonly result: RequestResults[Kind] | null
  /** The code of what its last try failed with; `abandoned` where its workers died. */
  readonly error: string | null
  readonly finishedAt: Date | null
}

/** Something that was asked for. */
export type LogRequest = { [Kind in RequestKind]: RequestOf<Kind> }[RequestKind]

/** Which requests, newest first. */
export interface RequestQuery {
  readonly state?: RequestState
  /** 1 to 500; 50 unless told. */
  readonly limit?: number
  /** The `nextCursor` of the page before. */
  readonly cursor?: string
}

/** A page of them; `nextCursor` is null on the last one. */
export interface RequestPage {
  readonly items: readonly LogRequest[]
  readonly nextCursor: string | null
}

type RequestRecord = Readonly<Record<keyof LogRequest, unknown>>

const milliseconds = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`

/** The select list of a request. */
export const requestColumns: string = `id::text, kind, parameters, state, requested_by as "requestedBy",
  ${milliseconds('requested_at')} as "requestedAt", decided_by as "decidedBy", ${milliseconds('decided_at')} as "decidedAt",
  progress, result, error, ${milliseconds('finished_at')} as "finishedAt"`

/** Runs a statement that returns {@link requestColumns} of at most one request. */
export async function oneRequest(
  statements: Pick<Statements, 'query'>,
  text: string,
  values: readonly unknown[],
): Promise<LogRequest | null> {
  const [record] = await statements.query<RequestRecord>(text, values)
  return record ? requestOf(record) : null
}

export async function findRequest(statements: Pick<Statements, 'query'>, id: string): Promise<LogRequest | null> {
  if (!isRowId(id)) return null
  return oneRequest(statements, `select ${requestColumns} from audit_request where id = $1`, [id])
}

/** @throws AuditError `QUERY_INVALID` or `CURSOR_INVALID` */
export async function listRequests(
  statements: Pick<Statements, 'query'>,
  { state, limit = 50, cursor }: RequestQuery,
): Promise<RequestPage> {
  if (!Number.isInteger(limit) || limit < 1 || limit > 500)
    throw new AuditError('QUERY_INVALID', 'limit must be a whole number from 1 to 500.')
  if (cursor !== undefined && !isRowId(cursor))
    throw new AuditError('CURSOR_INVALID', 'cursor is not one of these requests. Start again without it.')
  const records = await statements.query<RequestRecord>(
    `select ${requestColumns} from audit_request
    where ($1::uuid is null or id < $1) and ($2::text is null or state = $2) order by id desc limit $3`,
    [cursor ?? null, state ?? null, limit + 1],
  )
  const items = records.slice(0, limit).map(requestOf)
  return { items, nextCursor: records.length > limit ? (items.at(-1)?.id ?? null) : null }
}

/**
 * Who asks or decides, by type and id: a label is what somebody chose to be called.
 *
 * @throws AuditError `REQUEST_INVALID`
 */
export function requestActor(by: Actor): RequestActor {
  const { type, id } = by ?? {}
  const text = id === undefined || id === null ? '' : String(id)
  if (text === '' || (type !== 'user' && type !== 'service'))
    throw invalid("Only somebody who is known can do this. Give an actor with an id: { type: 'user', id: '7' }")
  return { type, id: text }
}

function requestOf({ requestedAt, decidedAt, finishedAt, ...rest }: RequestRecord): LogRequest {
  return {
    ...rest,
    requestedAt: new Date(requestedAt as number),
    decidedAt: dateOf(decidedAt),
    finishedAt: dateOf(finishedAt),
  } as LogRequest
}

function dateOf(time: unknown): Date | null {
  return time === null ? null : new Date(time as number)
}
