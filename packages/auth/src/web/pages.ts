import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { MikroORM } from '@mikro-orm/core'
import express, { type Express, type Response } from 'express'
import type { AuthSettings } from '../auth-settings.js'
import type { Mails } from '../mails/mails.js'
import { defaultPasswordPolicy } from '../passwords/passwords.js'
import { withDefaults } from '../settings/with-defaults.js'

const folder = fileURLToPath(new URL('../../public/', import.meta.url))

/** What makes the pages different. */
type PagesSettings = Pick<AuthSettings, 'production' | 'usernames' | 'registration' | 'passwordPolicy' | 'features'>

/** What the pages show. */
export interface PagesOptions {
  readonly orm: MikroORM
  readonly mails: Mails
  readonly settings: PagesSettings
}

/** The pages: none of them changes anything. */
export function mountPages(app: Express, { orm, mails, settings }: PagesOptions): void {
  const page = (file: string) => {
    const html = fitted(readFileSync(`${folder}${file}`, 'utf8'), settings)
    return (_request: unknown, response: Response) => {
      response.set('Cache-Control', 'no-store').type('html').send(html)
    }
  }
  app.get('/', page('index.html'))
  app.get('/api/auth/verify-account', page('verify-account.html'))
  app.get('/api/auth/change-email-confirm', page('change-email-confirm.html'))
  app.get('/api/auth/change-email-undo', page('change-email-undo.html'))
  app.get('/reset-password', page('reset-password.html'))
  app.use('/assets', express.static(`${folder}assets`, { index: false, redirect: false }))
  if (settings.production) return
  app.get('/dev/mailbox', page('mailbox.html'))
  app.get('/dev/mailbox.json', (_request, response, next) => {
    // Express 4 looks at no promise: unhandled, its rejection would end the process.
    mailbox(response).catch(next)
  })

  async function mailbox(response: Response): Promise<void> {
    const sent = await mails.sent(orm.em.fork())
    const shown = sent.map(({ recipient, subject, text, html, createdAt }) => ({
      to: recipient,
      subject,
      text,
      html,
      sent_at: createdAt,
    }))
    response.set('Cache-Control', 'no-store').json(shown)
  }
}

const part = /<!-- ([a-zA-Z]+) -->(.*?)<!-- \/\1 -->/gs

/** A page as the settings make it: without the parts, each between comments of its name, that they switch off. */
function fitted(html: string, settings: PagesSettings): string {
  const { production, usernames, registration, passwordPolicy, features } = settings
  const off = new Set(Object.entries(features ?? {}).flatMap(([name, isOn]) => (isOn === false ? [name] : [])))
  if (production) off.add('mailbox')
  if (!usernames) off.add('usernames')
  if (registration === 'closed') off.add('signup')
  const { minLength } = withDefaults(defaultPasswordPolicy, passwordPolicy)
  const without = (text: string): string =>
    text.replace(part, (_whole, name: string, content: string) => (off.has(name) ? '' : without(content)))
  return without(html).replaceAll('{least}', String(minLength))
}
