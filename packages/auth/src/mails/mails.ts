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

  passwordReset(token: string): MailContent {
    return letter(
      'Reset your password',
      'Somebody, we hope you, asked to reset the password of this account. The link works once, for thirty minutes. If it was not you, nothing needs to be done:',
      this.#link('/reset-password', token),
    )
  }

  passwordResetByAdmin(token: string): MailContent {
    return letter(
      'Choose a new password',
      'An administrator ended the sessions of this account, and asks you to choose another password for it. The link works once, for thirty minutes:',
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

  /** The address comes from the settings, never from the request: a Host header is anybody's text. */
  #link(path: string, token: string): string {
    return `${this.#publicUrl}${path}?token=${encodeURIComponent(token)}`
  }
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
