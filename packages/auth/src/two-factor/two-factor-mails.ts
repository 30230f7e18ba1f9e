import type { MailContent, Mails } from '../mails/mails.js'

const few = 3

/** What the owner of an account is told about its second factor. */
export const twoFactorMails = {
  enabled: (mails: Mails): MailContent =>
    mails.notice(
      'Your account has a second factor',
      'From now on, logging in to this account takes a code of your authenticator app as well, and every other session of it was ended. If it was not you, ask for a reset of your password here, at once:',
    ),
  disabled: (mails: Mails): MailContent =>
    mails.notice(
      'Your account has no second factor any more',
      'The second factor of this account was switched off, and every other session of it was ended. If it was not you, ask for a reset of your password here, at once:',
    ),
  codesReplaced: (mails: Mails): MailContent =>
    mails.notice(
      'You have new backup codes',
      'New backup codes were made for this account; those before are worth nothing, and every other session of it was ended. If it was not you, ask for a reset of your password here, at once:',
    ),
  codeUsed: (mails: Mails, remaining: number): MailContent =>
    mails.notice(
      remaining === 0 ? 'You used your last backup code' : 'A backup code was used',
      `One of the backup codes of this account was used. ${leftOf(remaining)} If it was not you, ask for a reset of your password here, at once:`,
    ),
  locked: (mails: Mails, minutes: number | null): MailContent =>
    mails.notice(
      'Somebody tries codes at your account',
      `Somebody who has the password of this account tried too many wrong codes. ${lockOf(minutes)} If it was not you, choose another password here, at once:`,
    ),
}

function leftOf(remaining: number): string {
  if (remaining > few) return `${remaining} are left.`
  return `${remaining === 0 ? 'None is' : `Only ${remaining} ${remaining === 1 ? 'is' : 'are'}`} left: please make new ones.`
}

function lockOf(minutes: number | null): string {
  if (minutes === null) return 'No code is taken any more until an administrator resets the second factor.'
  return `No code is taken for ${minutes} minutes.`
}
