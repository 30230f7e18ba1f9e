import {
  type LogOperations,
  type LogRequest,
  type LogRequests,
  type LogRequestsOptions,
  logRequests,
  sqlExecutor,
} from '@countersign/adapters/mikro-orm'
import { type AuditJobs, type AuditJobsOptions, auditJobs } from '@countersign/adapters/pg-boss'
import { type Actor, type AuditError, type AuditRow, rowId } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { expect } from 'vitest'
import type { TestLog } from './logs.js'

export const asker: Actor = { type: 'user', id: 'admin-1', label: 'Ada' }
export const second: Actor = { type: 'user', id: 'admin-2', label: 'Bob' }

/** Requests of a log that are approved by a second person, the jobs that run them, and what was said of faults. */
export interface TestRequests {
  readonly requests: LogRequests
  readonly jobs: AuditJobs
  readonly faults: AuditError[]
  close(): Promise<void>
}

export function testRequests(
  log: TestLog,
  given: Partial<AuditJobsOptions & LogRequestsOptions> & { readonly operations?: LogOperations } = {},
): TestRequests {
  const { trail, operations } = { trail: log.trail, operations: log.operations, ...given }
  const faults: AuditError[] = []
  const database = sqlExecutor(log.database.orm)
  const requests = logRequests(log.database.orm, {
    approval: true,
    enqueue: (id, transaction, alone) => jobs.enqueue(id, transaction, alone),
    ...given,
    trail,
  })
  const jobs = auditJobs({
    database,
    requests: requests.worker(operations),
    onFault: (fault) => void faults.push(fault),
    ...given,
  })
  return {
    requests,
    jobs,
    faults,
    async close() {
      await jobs.stop()
      await requests.close()
      await database.close()
    },
  }
}

/** Waits until a request is in a state. */
export async function ended(requests: LogRequests, id: string, state: LogRequest['state']): Promise<LogRequest> {
  await expect.poll(async () => (await requests.get(id))?.state, { timeout: 15_000 }).toBe(state)
  return (await requests.get(id)) as LogRequest
}

/** Rows of a person that nobody else has, in the store and in the log. */
export async function rowsOfSomebody(log: TestLog, count: number): Promise<{ type: string; id: string }> {
  const subject = { type: 'user', id: `u-${rowId()}` }
  const rows: AuditRow[] = Array.from({ length: count }, () => sampleRow({ id: rowId(), subject }))
  await log.sink.write(rows)
  await log.sequencer.catchUp()
  return subject
}

/** What the trail says about requests, oldest first. */
export async function recorded(log: TestLog, event: string, request: string): Promise<object[]> {
  const { items } = await log.reader.find({ event, limit: 500 })
  return items
    .filter(({ details }) => (details as { request?: string }).request === request)
    .map(({ outcome, reason, actor, details }) => ({ outcome, reason, actor: actor.id, ...details }))
    .reverse()
}
