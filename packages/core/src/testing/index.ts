/** What tests of audited code need; works with any test runner. */
export type { ConformanceCase } from './conformance-case.js'
export { type AuditExpectation, type ExpectedRow, expectAudit } from './expect-audit.js'
export { type LedgerUnderTest, ledgerCases } from './ledger-cases.js'
export { limiterCases } from './limiter-cases.js'
export { sampleRow } from './sample-row.js'
export { type SinkUnderTest, sinkCases } from './sink-cases.js'
export { type OpenSpool, spoolCases } from './spool-cases.js'
export { type StoreUnderTest, storeCases } from './store-cases.js'
