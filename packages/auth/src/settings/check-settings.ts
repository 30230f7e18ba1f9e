import { AuditError } from '@countersign/core'
import type { AuthSettings } from '../auth-settings.js'
import { lockoutRules } from '../limits/lockout-rules.js'
import { faultOfRangesUrl } from '../passwords/ranges-url.js'
import { group } from './rules.js'
import { settingRules } from './setting-rules.js'

const all = group<AuthSettings>(settingRules)

/** Every setting by its name, with a dot before what belongs to a group. */
export const settingNames: readonly string[] = Object.freeze([...(all.parts ?? [])])

const required = ['database', 'secret', 'publicUrl'] as const

/**
 * Refuses settings that nobody reads, that can't be, that contradict each other, or that are no settings for
 * production: all faults in one report.
 *
 * @throws AuditError `SETTING_INVALID`
 */
export function checkSettings(settings: AuthSettings): void {
  const faults = all.faultsOf(settings, '')
  const given = Object(settings) as AuthSettings
  faults.push(...required.filter((name) => given[name] === undefined).map((name) => `${name} is missing`))
  // What is no setting at all would only be complained about twice.
  if (faults.length === 0) faults.push(...contradictions(given), ...(given.production ? insecurities(given) : []))
  if (faults.length === 0) return
  throw new AuditError(
    'SETTING_INVALID',
    `The settings are not right:${faults.map((fault) => `\n- ${fault}`).join('')}`,
  )
}

function contradictions(settings: AuthSettings): string[] {
  const { sessionLifetimes = {}, cookies = {}, auditLog = {} } = settings
  const faults: string[] = []
  for (const [name, lifetime] of Object.entries(sessionLifetimes)) {
    const { idle, absolute } = lifetime ?? {}
    if (idle !== undefined && absolute !== undefined && idle > absolute)
      faults.push(`sessionLifetimes.${name}.idle is longer than absolute: a session would never end for want of use`)
  }
  const { duration, longest } = lockoutRules(settings.lockouts).account ?? { duration: 0, longest: 0 }
  if (longest < duration)
    faults.push('lockouts.account.longest is shorter than duration: a lock can not last less than the first')
  const { accessName = 'at', refreshName = 'rt', sameSite, secure = settings.production === true, prefixed } = cookies
  if (accessName === refreshName) faults.push('cookies.accessName and cookies.refreshName must differ')
  if (sameSite === 'none' && !secure)
    faults.push("cookies.sameSite 'none' needs cookies.secure: browsers refuse such a cookie without HTTPS")
  if (prefixed === true && !secure) faults.push('cookies.prefixed needs cookies.secure: __Host- is for HTTPS only')
  const { days, personalDays } = auditLog.retention ?? {}
  if (days !== undefined && personalDays !== undefined && personalDays > days)
    faults.push('auditLog.retention.personalDays is more than days: personal fields go with their rows')
  return faults
}

function insecurities({ publicUrl, cookies = {}, allowedOrigins = [], breachedPasswords }: AuthSettings): string[] {
  const faults: string[] = []
  if (!publicUrl.startsWith('https:'))
    faults.push('publicUrl must be an https address in production: cookies and links depend on it')
  if (cookies.secure === false) faults.push('cookies.secure must not be false in production: leave it out')
  const plain = allowedOrigins.filter((origin) => !origin.startsWith('https:'))
  if (plain.length > 0) faults.push(`allowedOrigins must be https in production, and ${plain.join(', ')} is not`)
  const { url } = breachedPasswords ?? {}
  const fault = url === undefined ? null : faultOfRangesUrl(url, { production: true })
  if (fault !== null) faults.push(`breachedPasswords.url ${fault}`)
  return faults
}
