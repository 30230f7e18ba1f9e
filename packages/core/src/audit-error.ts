/**
 * Every way of holding the toolkit wrong, and every fault it reports.
 * `docs/errors.md` says for each code what happened and what to do.
 */
export const auditErrorCodes = [
  'ACTOR_SOURCE_MISSING',
  'ANCHOR_FAILED',
  'BREACHES_UNREACHABLE',
  'CHECKPOINT_KEY_MISSING',
  'CHECKPOINT_KEY_WRONG',
  'CLASS_NAME_INVALID',
  'CLASS_NAME_TAKEN',
  'CONTROLLERS_INVALID',
  'COPY_FAILED',
  'CURSOR_INVALID',
  'ENVELOPE_INVALID',
  'ERASURE_TOO_LARGE',
  'EVENT_AUDITED_TWICE',
  'EVENT_NAME_INVALID',
  'EVENT_UNKNOWN',
  'GUARD_LOST',
  'HANDLER_ESCAPES',
  'HANDLER_MISSING',
  'HANDLER_SYNCHRONOUS',
  'HOLD_INVALID',
  'JOBS_FAILED',
  'KEY_INVALID',
  'LEDGER_FAILED',
  'LIMITER_FAILED',
  'LIMITER_MISSING',
  'LIMIT_INVALID',
  'LOG_ROLLED_BACK',
  'PARAMETERS_LOST',
  'POLICY_INVALID',
  'POLICY_UNSUPPORTED',
  'PROXY_INVALID',
  'QUERY_INVALID',
  'REQUEST_DECIDED',
  'REQUEST_INVALID',
  'REQUEST_OWN',
  'ROUTES_LOST',
  'ROW_INVALID',
  'ROW_LOST',
  'ROW_REFUSED',
  'SCOPE_UNKNOWN',
  'SETTING_INVALID',
  'SIGNAL_INVALID',
  'SINK_CLOSED',
  'SINK_FAILED',
  'SINK_INVALID',
  'SINK_OVERLOADED',
  'SPOOL_DAMAGED',
  'SPOOL_FAILED',
  'SPOOL_FULL',
  'SPOOL_INVALID',
  'STEP_FAILED',
  'STORE_LOCKED',
  'STORE_SILENT',
  'STORE_UNREACHABLE',
  'SUBSCRIBER_FAILED',
  'THROTTLED',
  'TRAIL_CLOSED',
  'TRAIL_MISSING',
  'TRANSACTION_ESCAPED',
  'UNRECORDABLE',
  'VERIFICATION_FAILED',
] as const

/** The closed set of codes an {@link AuditError} can carry. */
export type AuditErrorCode = (typeof auditErrorCodes)[number]

/**
 * The one error of the toolkit. The message says what happened and what to do; `cause` is kept.
 *
 * @example
 * try {
 *   createAuditTrail({ sink, policies: { login: { unreachable: 'closed' as never } } })
 * } catch (error) {
 *   if (error instanceof AuditError && error.code === 'POLICY_INVALID') console.error(error.message)
 * }
 */
export class AuditError extends Error {
  override readonly name = 'AuditError'
  readonly code: AuditErrorCode

  constructor(code: AuditErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
