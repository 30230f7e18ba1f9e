/** A body of every route that takes one, with values of the right kind, by its path under `/api/auth`. */
export const submittedBodies: ReadonlyArray<readonly [path: string, body: Readonly<Record<string, unknown>>]> = [
  [
    'signup',
    { email: 'new@example.org', password: 'a long enough password', confirm_password: 'a long enough password' },
  ],
  ['verify-account', { token: 'x' }],
  ['verify-account/resend', { email: 'nobody@example.org' }],
  ['login', { email: 'nobody@example.org', password: 'wrong', remember_me: false }],
  ['token', { email: 'nobody@example.org', password: 'wrong' }],
  ['token/refresh', { refresh: 'x' }],
  ['token/verify', { token: 'x' }],
  ['password-reset', { email: 'nobody@example.org' }],
  [
    'password-reset-confirm',
    { token: 'x', password: 'a long enough password', confirm_password: 'a long enough password' },
  ],
  [
    'change-password',
    { current_password: 'wrong', password: 'a long enough password', confirm_password: 'a long enough password' },
  ],
  ['change-email', { new_email: 'other@example.org', password: 'wrong' }],
  ['change-email-confirm', { token: 'x' }],
  ['change-email-undo', { token: 'x' }],
  ['2fa/setup', { password: 'wrong' }],
  ['2fa/enable', { code: '000000' }],
  ['2fa/disable', { password: 'wrong', code: '000000' }],
  ['2fa/backup-codes', { password: 'wrong' }],
  ['2fa/verify-login', { session_token: 'x', code: '000000' }],
]
