export { Attempt, type AttemptHandle, actAs, currentAttempt } from './attempt.js'
export { AuditError, type AuditErrorCode, auditErrorCodes } from './audit-error.js'
export { type ActorSource, AuditedCall, type CallOwner } from './audited-call.js'
export { assertEventName, catalogue, defineEvent, type EventDeclaration, type EventDefinition } from './catalogue.js'
export { type Classification, classify, type Ending, reasonFor, statusOf } from './classify.js'
export { cleanText } from './clean-text.js'
export {
  type AuditContext,
  currentContext,
  currentFlow,
  type Flow,
  type Hop,
  type Initiator,
  runInContext,
  runInFlow,
} from './context.js'
export type { SealOptions } from './context-envelope.js'
export { type Degradation, type DegradationListener, recordDegradation } from './degradation.js'
export type { AuditEvents, EventDetails, EventName, NoDetails, Outcome, Severity } from './events.js'
export { isSnakeCase } from './events.js'
export { type FanOutOptions, fanOutSink } from './fan-out-sink.js'
export { filteringSink } from './filtering-sink.js'
export type { FloodLedger, FloodTally } from './flood-ledger.js'
export type { FloodOptions } from './flood-options.js'
export { type FolderLock, type FolderLockOptions, lockFolder } from './folder-lock.js'
export { GroupCommit, type GroupCommitOptions } from './group-commit.js'
export {
  type Actor,
  type ActorLike,
  type Attempted,
  canonicalIdentifier,
  maskIdentifier,
  type Subject,
} from './identity.js'
export type { AuditLimiter, LimitedBy, Reservation, Throttling } from './limiter.js'
export { type MemorySink, memorySink } from './memory-sink.js'
export type { AuditMetrics, TrailGauges } from './metrics.js'
export type { AuditTypeError, Delivery, EventPolicy, JoinedPolicy, WhenUnreachable } from './policy.js'
export { type AuditPage, type AuditQuery, type AuditReader, checkQuery, isRowId } from './reader.js'
export type { AuditReason, AuditReasons } from './reasons.js'
export { RecentIds } from './recent-ids.js'
export { type Json, REDACTED, redact } from './redact.js'
export type { AuditRow, Device } from './row.js'
export { rowFromJson } from './row-from-json.js'
export { rowId, timeOfRowId } from './row-id.js'
export { type RowJson, rowToJson, rowToLine } from './row-json.js'
export type {
  AuditSignal,
  AuditSignals,
  FaultSignal,
  LossSignal,
  SignalName,
  SignalOf,
  SubscribeOptions,
} from './signals.js'
export type { AuditSink, BatchListener, SinkTransaction } from './sink.js'
export type { AuditSpool, SpoolBatch, SpoolSize } from './spool.js'
export { Throttled } from './throttled.js'
export { type AuditTrail, createAuditTrail } from './trail.js'
export type {
  AuditTrailOptions,
  RecordOptions,
  TrailCounts,
  TrailHealth,
  TransformedRow,
} from './trail-options.js'
export { Unrecordable } from './unrecordable.js'
export { warn } from './warn.js'
