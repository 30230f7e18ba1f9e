import { AuditError } from '@countersign/core'

/** Which try of a job this is. */
export interface JobTry {
  /** From 0. */
  readonly attempt: number
  /** How many there are. In the one after the last nothing is done but to say that all have failed. */
  readonly of: number
  /** Has it break off after the step that is under way. */
  readonly signal: AbortSignal
}

/** What the jobs are about: `logRequests` of the store, and how one of its requests is run. */
export interface JobRequests {
  /** Null where there is nothing to do; rejects where it may be tried again. */
  run(id: string, how: JobTry): Promise<{ readonly state: string } | null>
  /** Asks for what a schedule does: once for each of its occurrences, whoever calls. */
  scheduled(
    occurrence: string,
    kind: 'personal_horizon',
    parameters: { readonly before: string },
  ): Promise<{ readonly id: string; readonly state: string }>
  scheduled(
    occurrence: string,
    kind: 'retention',
    parameters: { readonly before: string; readonly disposal: 'drop' | 'archive' },
  ): Promise<{ readonly id: string; readonly state: string }>
}

/** How long rows are kept. */
export interface RetentionPolicy {
  /** After so many days a month that is over goes; without it, rows stay. */
  readonly days?: number
  /** After so many days the personal fields of a row are erased; without it, they stay as long as the row. */
  readonly personalDays?: number
  /** What becomes of months that go: gone for good (`drop`), or put aside as tables of their own. */
  readonly disposal?: 'drop' | 'archive'
}

/** What is done every day. */
export interface RetentionSchedule {
  readonly retention?: RetentionPolicy
  /** When, in UTC (`17 3 * * *`). */
  readonly cron?: string
}

/** The data of a job. */
export type JobData = { readonly request: string } | { readonly schedule: 'audit_retention' }

const dayMilliseconds = 86_400_000
const longest = 36_500

/** @throws AuditError `SETTING_INVALID` */
export function assertRetention(retention: RetentionPolicy): void {
  const { days, personalDays, disposal } = retention
  for (const [name, value] of Object.entries({ days, personalDays })) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= longest))
      throw invalid(`${name} is a whole number of days, from 1 to ${longest}.`)
  }
  if (days !== undefined && personalDays !== undefined && personalDays > days)
    throw invalid('personalDays is above days: the rows would be gone before. Make it smaller, or leave it out.')
  if (disposal !== undefined && disposal !== 'drop' && disposal !== 'archive')
    throw invalid("disposal is 'drop' or 'archive'.")
}

export function invalid(message: string): AuditError {
  return new AuditError('SETTING_INVALID', `auditJobs: ${message}`)
}

/** What is asked for every day, in this order: what is put aside has no personal fields any more. */
export async function keepRetention(
  requests: JobRequests,
  retention: RetentionPolicy,
  occurrence: string,
  how: JobTry,
): Promise<void> {
  const { days, personalDays, disposal = 'drop' } = retention
  if (personalDays !== undefined)
    await finish(requests, await requests.scheduled(occurrence, 'personal_horizon', { before: ago(personalDays) }), how)
  if (days !== undefined)
    await finish(requests, await requests.scheduled(occurrence, 'retention', { before: ago(days), disposal }), how)
}

async function finish(
  requests: JobRequests,
  { id, state }: { readonly id: string; readonly state: string },
  how: JobTry,
): Promise<void> {
  if (state === 'done') return
  const ended = await requests.run(id, how)
  if (ended?.state !== 'done')
    throw new AuditError(
      'JOBS_FAILED',
      `The scheduled request ${id} did not end well. Look at what it says of its error.`,
    )
}

function ago(days: number): string {
  return new Date(Date.now() - days * dayMilliseconds).toISOString()
}
