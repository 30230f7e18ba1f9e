import { AuditError } from '@countersign/core'
import { assertRetention, type RetentionPolicy } from './job-work.js'

/** What an environment says of how long rows are kept, in days. */
export interface RetentionEnvironment {
  readonly AUDIT_DAYS?: string | undefined
  /** Days that personal fields are kept: no longer than their rows. */
  readonly AUDIT_PERSONAL_DAYS?: string | undefined
}

/**
 * How long rows and their personal fields are kept, as the environment says; undefined where it says nothing: then
 * everything is kept for ever.
 *
 * @throws AuditError `SETTING_INVALID`
 * @example
 * const retention = retentionOf(process.env)
 */
export function retentionOf(env: RetentionEnvironment): RetentionPolicy | undefined {
  const { AUDIT_DAYS: days, AUDIT_PERSONAL_DAYS: personalDays } = env
  for (const [name, text] of Object.entries({ AUDIT_DAYS: days, AUDIT_PERSONAL_DAYS: personalDays }))
    if (text && !/^[1-9]\d{0,4}$/.test(text)) throw invalid(`${name} must be a whole number of days.`)
  if (days && personalDays && Number(personalDays) > Number(days))
    throw invalid('AUDIT_PERSONAL_DAYS must not be more than AUDIT_DAYS: personal fields go with their rows.')
  if (!days && !personalDays) return undefined
  const retention = { ...(days && { days: Number(days) }), ...(personalDays && { personalDays: Number(personalDays) }) }
  assertRetention(retention)
  return retention
}

function invalid(message: string): AuditError {
  return new AuditError('SETTING_INVALID', message)
}
