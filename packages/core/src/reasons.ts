/**
 * The open registry of reasons: why an attempt did not succeed, in snake_case, for programs.
 * Add your own by declaration merging; `docs/events.md` says what each of these means.
 *
 * @example
 * declare module '@countersign/core' {
 *   interface AuditReasons {
 *     card_declined: true
 *   }
 * }
 */
export interface AuditReasons {
  account_changed: true
  already_registered: true
  already_verified: true
  attempts_exhausted: true
  bad_credentials: true
  client_disconnected: true
  code_reused: true
  conflict: true
  csrf: true
  disabled: true
  email_unchanged: true
  forbidden: true
  gone: true
  internal_error: true
  invalid_email: true
  invalid_request: true
  invalid_token: true
  invalid_username: true
  last_admin: true
  locked: true
  malformed_body: true
  method_not_allowed: true
  not_acceptable: true
  not_found: true
  password_breached: true
  password_common: true
  password_guessable: true
  password_mismatch: true
  password_too_long: true
  password_too_short: true
  password_unchanged: true
  payload_too_large: true
  reauthentication_required: true
  registration_closed: true
  rejected: true
  reused: true
  rolled_back: true
  session_expired: true
  setup_required: true
  throttled: true
  timeout: true
  two_factor_already_enabled: true
  two_factor_not_enabled: true
  two_factor_required: true
  unauthenticated: true
  unavailable: true
  unexpected_file: true
  unknown_account: true
  unprocessable: true
  unsupported_media_type: true
  unverified: true
  username_taken: true
  validation_failed: true
  wrong_browser: true
  wrong_code: true
  wrong_password: true
}

/** Why an attempt did not succeed, as code says it. Rows may bear others: an error's `reason` is taken as it is. */
export type AuditReason = Extract<keyof AuditReasons, string>
