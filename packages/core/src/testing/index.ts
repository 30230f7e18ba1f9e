/** What tests of audited code need; works with any test runner. */
export { type ConformanceCase, limiterCases, type StoreUnderTest, storeCases } from './conformance.js'
export { type AuditExpectation, type ExpectedRow, expectAudit } from './expect-audit.js'
export { sampleRow } from './sample-row.js'
