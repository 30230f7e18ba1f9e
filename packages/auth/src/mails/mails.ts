import { rowId } from '@countersign/core'
import type { EntityManager } from '@mikro-orm/core'
import { Mail } from '../store/entities.js'

/** What a mail says; the text and the HTML say the same. */
export interface MailContent {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** Mails are rows of the transaction that asks for them: none is sent for what was rolled back. */
export class Mails {
  readonly #publicUrl: string

  constructor(publicUrl: string) {
    this.#publicUrl = publicUrl
  }

  post(em: EntityManager, recipient: string, { subject, text, html }: MailContent): void {
    em.persist(em.create(Mail, { id: rowId(), recipient, subject, text, html, createdAt: new Date() }))
  }

  /** Newest first. */
  async sent(em: EntityManager, limit = 100): Promise<Mail[]> {
    return em.find(Mail, {}, { orderBy: { id: 'desc' }, limit })
  }

  verification(token: string): MailContent {
    return letter(
      'Please verify your e-mail address',
      'Somebody, we hope you, signed up with this address. To use the account, open this page and confirm:',
      this.#link('/api/auth/verify-account', token),
    )
  }

  alreadyRegistered(): MailContent {
    return letter(
      'You have an account already',
      'Somebody, perhaps you, signed up with this address, which has an account already. Nothing was changed. If you forgot your password, ask for a reset here:',
      `${this.#publicUrl}/`,
    )
  }

  passwordReset(token: string, seconds: number): MailContent {
    return letter(
      'Reset your password',
      `Somebody, we hope you, asked to reset the password of this account. The link works once, for ${spell(seconds)}. If it was not you, nothing needs to be done:`,
      this.#link('/reset-password', token),
    )
  }

  passwordResetByAdmin(token: string, seconds: number): MailContent {
    return letter(
      'Choose a new password',
      `An administrator ended the sessions of this account, and asks you to choose another password for it. The link works once, for ${spell(seconds)}:`,
      this.#link('/reset-password', token),
    )
  }

  passwordChanged(): MailContent {
    return letter(
      'Your password was changed',
      'The password of this account was changed, and every other session of it was ended. If it was not you, ask for a reset here, at once:',
      `${this.#publicUrl}/`,
    )
  }

  copiedToken(): MailContent {
    return letter(
      'A session of your account was ended',
      'A session of this account was used from two places at the same time, as happens when somebody copies it. It was ended. Please log in again; if you did not notice anything unusual, change your password to be safe:',
      `${this.#publicUrl}/`,
    )
  }

  /** Tells of something that was done to an account, with the way to the server for who did not do it. */
  notice(subject: string, sentence: string): MailContent {
    return letter(subject, sentence, `${this.#publicUrl}/`)
  }

  emailChange(token: string, seconds: number): MailContent {
    return letter(
      'Confirm your new e-mail address',
      `Somebody, we hope you, wants to use this address for an account. The link works once, for ${spell(seconds)}. If it was not you, nothing needs to be done:`,
      this.#link('/api/auth/change-email-confirm', token),
    )
  }

  emailChangeNotice(token: string, seconds: number): MailContent {
    return letter(
      'Your e-mail address is about to be changed',
      `Somebody who has your password asked for another address for this account. It changes when that is confirmed from there. If it was not you, take it back here: that ends every session, and you choose a new password. The link works for ${spell(seconds)}, also after the change:`,
      this.#link('/api/auth/change-email-undo', token),
    )
  }

  emailChanged(token: string, seconds: number): MailContent {
    return letter(
      'Your e-mail address was changed',
      `The account that had this address has another one now, and every session of it was ended. If it was not you, take it back here: that ends every session, and you choose a new password. The link works for ${spell(seconds)}:`,
      this.#link('/api/auth/change-email-undo', token),
    )
  }

  emailIsYours(): MailContent {
    return letter(
      'This is the address of your account now',
      'From now on you log in with this address. Every session of the account was ended:',
      `${this.#publicUrl}/`,
    )
  }

  emailRestored(token: string, seconds: number): MailContent {
    return letter(
      'Your account has this address again',
      `The change of the address was taken back. Every session was ended, and the account has no password until you choose one. The link works once, for ${spell(seconds)}:`,
      this.#link('/reset-password', token),
    )
  }

  lockedOut(minutes: number): MailContent {
    return letter(
      'Somebody failed to log in to your account',
      `Somebody, perhaps you, typed a wrong password for this account too often. For ${minutes} minutes nobody can log in to it, unless from a device that did before. Nothing was changed. If you forgot your password, a reset lets you in at once:`,
      `${this.#publicUrl}/`,
    )
  }

  /** The address comes from the settings, never from the request: a Host header is anybody's text. */
  #link(path: string, token: string): string {
    return `${this.#publicUrl}${path}?token=${encodeURIComponent(token)}`
  }
}

/** Seconds as people say them, in the largest unit that they are whole in. */
function spell(seconds: number): string {
  const units = [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
  ] as const
  const [size, unit] = units.find(([size]) => seconds % size === 0) ?? ([1, 'second'] as const)
  const count = seconds / size
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

function letter(subject: string, sentence: string, link: string): MailContent {
  return {
    subject,
    text: `${sentence}\n\n${link}\n`,
    html: `<p>${sentence}</p><p><a href="${escapeHtml(link)}">${escapeHtml(link)}</a></p>`,
  }
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
