import { AuthRefusal } from '../web/auth-refusal.js'

/** The one answer to every code that is not taken; the row's reason tells why. */
export function wrongCode(reason: 'wrong_code' | 'code_reused'): AuthRefusal {
  return new AuthRefusal(400, 'invalid_totp', { reason, detail: 'This code is not valid, or was used.' })
}

/** The one answer to every login that can't be completed; the row's reason tells why. */
export function pendingLoginOver(
  reason: 'session_expired' | 'wrong_browser' | 'attempts_exhausted' | 'disabled' | 'account_changed',
): AuthRefusal {
  return new AuthRefusal(401, 'session_expired', { reason, detail: 'Please log in again with your password.' })
}

export function notEnabled(): AuthRefusal {
  return new AuthRefusal(400, 'two_factor_not_enabled', { detail: 'This account has no second factor.' })
}

export function alreadyEnabled(): AuthRefusal {
  return new AuthRefusal(400, 'two_factor_already_enabled', {
    detail: 'This account has a second factor. Disable it first.',
  })
}

export function setupRequired(): AuthRefusal {
  return new AuthRefusal(400, 'setup_required', {
    detail: 'Nothing waits to be confirmed, or for too long. Ask for a new secret first.',
  })
}

export function reauthenticationRequired(): AuthRefusal {
  return new AuthRefusal(403, 'reauthentication_required', { detail: 'Please give your password once more.' })
}
