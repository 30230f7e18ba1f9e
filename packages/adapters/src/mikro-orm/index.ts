export { auditStoreMigrations, migrate } from './audit-store-migrations.js'
export { lockDataFolder } from './data-folder-lock.js'
export { type AuditedEntity, type AuditedFields, auditedEntity } from './entity-change-fields.js'
export { auditEntityChanges, type EntityChangeOptions } from './entity-changes.js'
export { type AuditLog, auditLog, type KeptCheckpoint, type RowProof } from './log/audit-log.js'
export { anchorSchema, databaseAnchor } from './log/database-anchor.js'
export type { Erasure, ErasureProgress, ErasureScope } from './log/erasure.js'
export type { HoldRequest, LegalHold } from './log/holds.js'
export {
  type LogOperations,
  type LogOperationsOptions,
  logOperations,
  type Operator,
  type VerifyRequest,
} from './log/log-operations.js'
export type { LogRange } from './log/log-reader.js'
export { type LogRequests, type LogRequestsOptions, logRequests, type RequestWorker } from './log/log-requests.js'
export type { ErasureResult, RequestKind, RequestParameters, RequestResults } from './log/request-kinds.js'
export type { LogRequest, RequestActor, RequestPage, RequestQuery, RequestState } from './log/request-records.js'
export type { RequestRunOptions } from './log/request-run.js'
export type { Disposal, PrunedMonth, StoredMonth } from './log/retention.js'
export { logSequencer, type Sequencer, type SequencerOptions } from './log/sequencer.js'
export { mikroOrmReader } from './mikro-orm-reader.js'
export { type MikroOrmSinkOptions, mikroOrmSink } from './mikro-orm-sink.js'
export { describeStore, embeddedDatabaseIn, type OpenStore, openStore, type StoreLocation } from './open-store.js'
export { sinkTransaction } from './sink-transaction.js'
export { pipelinedClient, type SqlClient, sqlClient } from './sql-client.js'
export { type SqlExecutor, sqlExecutor } from './sql-executor.js'
