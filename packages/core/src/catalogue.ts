import { inspect } from 'node:util'
import { AuditError } from './audit-error.js'
import { type EventName, isEventName, type Outcome, type Severity } from './events.js'

/** What is known about an event: how much it matters, and its name in other vocabularies. */
export interface EventDefinition {
  /** Raised when the shape of the details changes. */
  readonly version: number
  readonly severity: Readonly<Record<Outcome, Severity>>
  /** OWASP Logging Vocabulary; `x_` marks an extension where OWASP has no term. */
  readonly owasp: Readonly<Record<Outcome | 'throttled', string>>
  /** OCSF 1.8 class and activity; `type_uid` is `classUid * 100 + activityId`. */
  readonly ocsf: { readonly classUid: number; readonly activityId: number }
}

/** An event of your own, as given to `createAuditTrail({ events })`; everything has a default. */
export interface EventDeclaration {
  readonly version?: number
  readonly severity?: Severity | Partial<Record<Outcome, Severity>>
  readonly owasp?: Partial<Record<Outcome | 'throttled', string>>
  readonly ocsf?: { readonly classUid: number; readonly activityId: number }
}

const authentication = 3002
const accountChange = 3001
const webResources = 6001
const apiActivity = 6003
const detection = 2004

function event(
  severities: readonly [Severity, Severity, Severity],
  owasp: readonly [success: string, failure: string, throttled?: string],
  classUid: number,
  activityId: number,
): EventDefinition {
  return {
    version: 1,
    severity: { success: severities[0], failure: severities[1], denied: severities[2] },
    owasp: {
      success: owasp[0],
      failure: owasp[1],
      denied: 'authz_fail',
      throttled: owasp[2] ?? 'excess_rate_limit_exceeded',
    },
    ocsf: { classUid, activityId },
  }
}

const usual = ['informational', 'low', 'medium'] as const
const grave = ['medium', 'medium', 'high'] as const
const alarm = ['high', 'high', 'high'] as const

/** The events every Countersign trail knows. `docs/events.md` is the same table, in words. */
export const catalogue: Readonly<Record<string, EventDefinition>> = {
  login: event(usual, ['authn_login_success', 'authn_login_fail', 'authn_login_fail_max'], authentication, 1),
  two_factor_challenge: event(usual, ['x_authn_mfa_success', 'x_authn_mfa_fail'], authentication, 1),
  two_factor_setup: event(usual, ['x_authn_mfa_setup', 'x_authn_mfa_setup_fail'], accountChange, 10),
  two_factor_enable: event(grave, ['x_authn_mfa_enable', 'x_authn_mfa_enable_fail'], accountChange, 10),
  two_factor_disable: event(grave, ['x_authn_mfa_disable', 'x_authn_mfa_disable_fail'], accountChange, 11),
  backup_codes_regenerate: event(grave, ['x_authn_mfa_codes', 'x_authn_mfa_codes_fail'], accountChange, 10),
  logout: event(usual, ['session_logout', 'x_session_logout_fail'], authentication, 2),
  token_refresh: event(usual, ['session_renewed', 'x_session_renew_fail'], authentication, 99),
  token_reuse: event(alarm, ['authn_token_reuse', 'authn_token_reuse'], authentication, 1),
  session_expire: event(usual, ['session_expired', 'session_expired'], authentication, 2),
  session_revoke: event(usual, ['authn_token_revoked', 'x_session_revoke_fail'], authentication, 2),
  session_revoke_all: event(usual, ['authn_token_revoked', 'x_session_revoke_fail'], authentication, 2),
  signup: event(usual, ['user_created', 'x_user_create_fail'], accountChange, 1),
  email_verification: event(usual, ['x_user_verified', 'x_user_verify_fail'], accountChange, 99),
  email_verification_request: event(usual, ['x_user_verify_sent', 'x_user_verify_sent_fail'], accountChange, 99),
  password_change: event(grave, ['authn_password_change', 'authn_password_change_fail'], accountChange, 3),
  password_reset_request: event(usual, ['x_authn_reset_sent', 'x_authn_reset_sent_fail'], accountChange, 4),
  password_reset: event(grave, ['authn_password_change', 'authn_password_change_fail'], accountChange, 4),
  password_set: event(usual, ['authn_password_change', 'authn_password_change_fail'], accountChange, 3),
  email_change_request: event(usual, ['user_updated', 'x_user_update_fail'], accountChange, 99),
  email_change: event(grave, ['user_updated', 'x_user_update_fail'], accountChange, 99),
  email_change_undo: event(grave, ['user_updated', 'x_user_update_fail'], accountChange, 99),
  social_login: event(usual, ['authn_login_success', 'authn_login_fail', 'authn_login_fail_max'], authentication, 1),
  social_connect: event(grave, ['user_updated', 'x_user_update_fail'], accountChange, 99),
  social_disconnect: event(grave, ['user_updated', 'x_user_update_fail'], accountChange, 99),
  profile_update: event(usual, ['user_updated', 'x_user_update_fail'], accountChange, 99),
  consent_update: event(usual, ['user_updated', 'x_user_update_fail'], accountChange, 99),
  data_export_request: event(grave, ['sensitive_read', 'x_sensitive_read_fail'], webResources, 7),
  data_export_ready: event(usual, ['sensitive_create', 'x_sensitive_create_fail'], webResources, 7),
  data_export_download: event(grave, ['sensitive_read', 'x_sensitive_read_fail'], webResources, 7),
  data_export_expire: event(usual, ['sensitive_delete', 'x_sensitive_delete_fail'], webResources, 7),
  data_deletion_request: event(grave, ['user_archived', 'x_user_archive_fail'], accountChange, 6),
  data_deletion_cancel: event(grave, ['user_updated', 'x_user_update_fail'], accountChange, 99),
  data_deletion: event(grave, ['user_deleted', 'x_user_delete_fail'], accountChange, 6),
  lockout_start: event(alarm, ['authn_login_lock', 'authn_login_lock'], accountChange, 9),
  lockout_end: event(usual, ['x_authn_login_unlock', 'x_authn_login_unlock'], accountChange, 12),
  rate_limit: event(grave, ['excess_rate_limit_exceeded', 'excess_rate_limit_exceeded'], detection, 1),
  access_control: event(grave, ['authz_admin', 'authz_fail'], apiActivity, 99),
  file_upload: event(usual, ['upload_complete', 'upload_validation'], apiActivity, 1),
  admin_action: event(grave, ['authz_admin', 'authz_fail'], apiActivity, 99),
  suspicious_activity: event(alarm, ['x_suspicious_activity', 'x_suspicious_activity'], detection, 1),
  audit_read: event(usual, ['sensitive_read', 'x_sensitive_read_fail'], apiActivity, 2),
  audit_export: event(grave, ['sensitive_read', 'x_sensitive_read_fail'], webResources, 7),
  audit_loss: event(alarm, ['x_sys_audit_loss', 'x_sys_audit_loss'], detection, 1),
  audit_prune: event(grave, ['sensitive_delete', 'x_sensitive_delete_fail'], apiActivity, 4),
  audit_erasure: event(grave, ['sensitive_delete', 'x_sensitive_delete_fail'], apiActivity, 4),
  audit_verification: event(usual, ['x_sys_audit_verified', 'x_sys_audit_verify_fail'], apiActivity, 2),
  audit_hold: event(grave, ['x_audit_hold', 'x_audit_hold_fail'], apiActivity, 1),
  audit_hold_release: event(grave, ['x_audit_hold_release', 'x_audit_hold_release_fail'], apiActivity, 3),
  audit_key_rotation: event(grave, ['x_audit_key_rotate', 'x_audit_key_rotate_fail'], apiActivity, 3),
  audit_request: event(grave, ['authz_admin', 'authz_fail'], apiActivity, 1),
  audit_decision: event(grave, ['authz_admin', 'authz_fail'], apiActivity, 3),
  entity_create: event(usual, ['sensitive_create', 'x_sensitive_create_fail'], apiActivity, 1),
  entity_update: event(usual, ['sensitive_update', 'x_sensitive_update_fail'], apiActivity, 3),
  entity_delete: event(usual, ['sensitive_delete', 'x_sensitive_delete_fail'], apiActivity, 4),
  degradation_start: event(alarm, ['x_sys_degraded', 'x_sys_degraded'], detection, 1),
  degradation_end: event(usual, ['x_sys_recovered', 'x_sys_recovered'], detection, 3),
} satisfies Record<EventName, EventDefinition>

const undeclared = event(usual, ['x_attempt', 'x_attempt_fail'], apiActivity, 99)

/** Completes a declaration with the defaults of an event that says nothing about itself. */
export function defineEvent(name: string, declaration: EventDeclaration = {}): EventDefinition {
  assertEventName(name)
  const { severity } = declaration
  return {
    version: declaration.version ?? 1,
    severity:
      typeof severity === 'string'
        ? { success: severity, failure: severity, denied: severity }
        : { ...undeclared.severity, ...severity },
    owasp: { ...undeclared.owasp, success: `x_${name}`, failure: `x_${name}_fail`, ...declaration.owasp },
    ocsf: declaration.ocsf ?? undeclared.ocsf,
  }
}

/** Refuses what is not snake_case: names end up in file names, metrics and `event.outcome`. */
export function assertEventName(name: unknown): asserts name is EventName {
  if (isEventName(name)) return
  throw new AuditError(
    'EVENT_NAME_INVALID',
    `${inspect(name)} is not an event name. Write it in snake_case, up to 64 characters, without a dot: 'invoice_payment'.`,
  )
}
