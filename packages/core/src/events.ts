/**
 * The open registry of events: the name of what is attempted, and the shape of its details.
 * Add your own by declaration merging; a name is snake_case, without a dot.
 *
 * @example
 * declare module '@countersign/core' {
 *   interface AuditEvents {
 *     invoice_payment: { invoiceId: string }
 *   }
 * }
 */
export interface AuditEvents {
  login: { method?: 'password' | 'social' | 'backup_code' | 'totp'; remember?: boolean }
  two_factor_challenge: { factor?: 'totp' | 'backup_code'; remaining?: number }
  two_factor_setup: NoDetails
  two_factor_enable: NoDetails
  two_factor_disable: NoDetails
  backup_codes_regenerate: { count?: number }
  logout: NoDetails
  token_refresh: NoDetails
  token_reuse: { revoked?: number }
  session_expire: NoDetails
  session_revoke: NoDetails
  session_revoke_all: { revoked?: number }
  signup: NoDetails
  email_verification: NoDetails
  email_verification_request: NoDetails
  password_change: NoDetails
  password_reset_request: NoDetails
  password_reset: NoDetails
  password_set: NoDetails
  email_change_request: NoDetails
  email_change: { from?: string }
  email_change_undo: { from?: string }
  social_login: { provider: string }
  social_connect: { provider: string }
  social_disconnect: { provider: string }
  profile_update: { fields?: string[] }
  consent_update: { from?: boolean; to?: boolean; version?: string }
  data_export_request: NoDetails
  data_export_ready: { bytes?: number }
  data_export_download: NoDetails
  data_export_expire: NoDetails
  data_deletion_request: NoDetails
  data_deletion_cancel: NoDetails
  data_deletion: { cause?: string }
  lockout_start: { by?: string; lock?: string; until?: string }
  lockout_end: { by?: string; lock?: string; cause?: string }
  rate_limit: NoDetails
  access_control: { permission?: string }
  file_upload: { bytes?: number; mediaType?: string }
  admin_action: { action: string }
  suspicious_activity: { rule?: string }
  audit_read: { filters?: string[]; returned?: number }
  audit_export: { format?: string; rows?: number; from?: number; to?: number }
  audit_loss: { rows: number; error?: string }
  audit_prune: { before?: string; rows?: number }
  audit_erasure: { rows?: number; held?: number; receipt?: string }
  audit_verification: { leaves?: number; findings?: number }
  audit_hold: { hold?: string; label?: string }
  audit_hold_release: { hold?: string }
  audit_key_rotation: { key?: string }
  audit_request: { request?: string; kind?: string }
  audit_decision: { request?: string; kind?: string; decision?: string }
  entity_create: { entity: string; changes?: object; rows?: number; ids_digest?: string; fields?: string[] }
  entity_update: {
    entity: string
    changes?: object
    rows?: number
    ids_digest?: string
    fields?: string[]
    where?: string[]
  }
  entity_delete: { entity: string; rows?: number; ids_digest?: string; where?: string[] }
  degradation_start: { component: string; reaction: string; error?: string }
  degradation_end: { component: string; reaction: string; seconds?: number }
}

/** The details of an event that has none. */
export interface NoDetails {
  readonly [name: string]: never
}

/** The name of an event. */
export type EventName = Extract<keyof AuditEvents, string>

/** The details that belong to an event. */
export type EventDetails<Event extends EventName> = AuditEvents[Event]

export const outcomes = ['success', 'failure', 'denied'] as const

/** How an attempt ended; `denied` means throttled, locked out or forbidden. */
export type Outcome = (typeof outcomes)[number]

export const severities = ['informational', 'low', 'medium', 'high', 'critical'] as const

/** True for one of the three. */
export function isOutcome(outcome: unknown): outcome is Outcome {
  return outcomes.includes(outcome as Outcome)
}

/** How much an event matters, least first, in the words of OCSF `severity_id` 1 to 5. */
export type Severity = (typeof severities)[number]

const eventName = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/

// What subscribers call something else.
const taken: ReadonlySet<string> = new Set(['loss', 'fault'])

/** True for a well-formed name of an event: snake_case, and no name of another signal. */
export function isEventName(name: unknown): name is EventName {
  return isSnakeCase(name) && !taken.has(name)
}

/** True for a well-formed scope, reason or code: snake_case, 1 to 64 characters. */
export function isSnakeCase(name: unknown): name is string {
  return typeof name === 'string' && name.length <= 64 && eventName.test(name)
}
