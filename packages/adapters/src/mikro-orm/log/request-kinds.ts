import { AuditError, type Subject } from '@countersign/core'
import type { VerifyReport } from '@countersign/core/evidence'
import type { Disposal, PrunedMonth } from './retention.js'

/** What can be asked for, and what has to be said with it: plain JSON, moments in ISO 8601. */
export interface RequestParameters {
  /** The personal fields of one person's rows; `identifiers` are hashes, from `trail.identifierHash`. */
  erasure: { readonly subject: Subject; readonly identifiers?: readonly string[] }
  /** The personal fields of all rows from before that moment. */
  personal_horizon: { readonly before: string }
  /** The months that ended before that moment. */
  retention: { readonly before: string; readonly disposal: Disposal }
  /** The legal hold of that id. */
  hold_release: { readonly hold: string }
  verification: { readonly [name: string]: never }
}

/** What each of them leaves. */
export interface RequestResults {
  erasure: ErasureResult
  personal_horizon: ErasureResult
  retention: { readonly rows: number; readonly months: readonly PrunedMonth[] }
  hold_release: { readonly hold: string }
  /** At most a hundred findings; `counts` has how many there are. */
  verification: VerifyReport
}

/** The rows that were erased, those that a legal hold kept, and the id of the receipt. */
export interface ErasureResult {
  readonly receipt: string
  readonly rows: number
  readonly held: number
}

export type RequestKind = keyof RequestParameters

type Given = Readonly<Record<string, unknown>>
type Checks = { readonly [Kind in RequestKind]: (given: Given) => RequestParameters[Kind] }

const checks: Checks = {
  erasure({ subject, identifiers, ...rest }) {
    assertNothingElse('erasure', 'subject and identifiers', rest)
    const { type, id, ...more } = (subject ?? {}) as Given
    if (!isText(type) || !isText(id) || Object.keys(more).length > 0)
      throw invalid("An erasure needs the person's type and id. Write: subject: { type: 'user', id: '7' }")
    if (identifiers === undefined) return { subject: { type, id } }
    if (!isHashes(identifiers))
      throw invalid('The identifiers of an erasure are at most 100 hashes. Write: trail.identifierHash(typed)')
    return { subject: { type, id }, identifiers: [...identifiers] }
  },
  personal_horizon({ before, ...rest }) {
    assertNothingElse('personal_horizon', 'before', rest)
    return { before: moment(before) }
  },
  retention({ before, disposal, ...rest }) {
    assertNothingElse('retention', 'before and disposal', rest)
    if (disposal !== 'drop' && disposal !== 'archive')
      throw invalid("Retention needs to know what becomes of the rows. Write: disposal: 'drop', or 'archive'")
    return { before: moment(before), disposal }
  },
  hold_release({ hold, ...rest }) {
    assertNothingElse('hold_release', 'hold', rest)
    if (typeof hold !== 'string' || !uuid.test(hold)) throw invalid('The release of a hold needs the id of the hold.')
    return { hold }
  },
  verification(rest) {
    assertNothingElse('verification', 'nothing', rest)
    return {}
  },
}

// What the database can keep, and no receipt has to escape.
const unambiguous = /^[^\p{Cc}\p{Cs}]+$/u
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const isoMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/

const requestKinds = Object.keys(checks) as readonly RequestKind[]

export function isRequestKind(kind: unknown): kind is RequestKind {
  return requestKinds.includes(kind as RequestKind)
}

/** True where something is gone afterwards: what a second person has to approve, where that is asked for. */
export function isDestructive(kind: RequestKind): boolean {
  return kind !== 'verification'
}

/**
 * The parameters as they are kept. A message says nothing of what was given: it may be personal.
 *
 * @throws AuditError `REQUEST_INVALID`
 */
export function checkedParameters(kind: unknown, parameters: unknown): RequestParameters[RequestKind] {
  if (!isRequestKind(kind))
    throw invalid(`There is no such kind of request. Ask for one of ${requestKinds.join(', ')}.`)
  if (typeof parameters !== 'object' || parameters === null)
    throw invalid(`The parameters of a request (${kind}) must be an object.`)
  return checks[kind](parameters as Given)
}

export function invalid(message: string): AuditError {
  return new AuditError('REQUEST_INVALID', message)
}

function assertNothingElse(kind: RequestKind, known: string, rest: Given): void {
  if (Object.keys(rest).length > 0) throw invalid(`A request (${kind}) takes ${known}, and no other parameter.`)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 256 && unambiguous.test(value)
}

/** Hashes and nothing else: what people type is never kept. */
function isHashes(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= 100 && value.every((hash) => /^[\w-]{22}$/.test(String(hash)))
}

function moment(value: unknown): string {
  const time = typeof value === 'string' && isoMoment.test(value) ? Date.parse(value) : Number.NaN
  if (!(time >= 0 && time <= Date.now()))
    throw invalid("before must be a moment in the past, in ISO 8601. Write: before: '2026-01-01T00:00:00Z'")
  return new Date(time).toISOString()
}
