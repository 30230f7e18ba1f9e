export { type AuditJobs, type AuditJobsOptions, auditJobs, type JobDatabase } from './audit-jobs.js'
export type { JobRequests, RetentionPolicy, RetentionSchedule } from './job-work.js'
export { type RetentionEnvironment, retentionOf } from './retention-of.js'
