import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { MikroORM } from '@mikro-orm/core'
import express, { type Express, type Response } from 'express'
import type { Mails } from '../mails/mails.js'

const folder = fileURLToPath(new URL('../../public/', import.meta.url))

// What a page says of the mailbox, which is nowhere else.
const development = /<!-- development -->.*?<!-- \/development -->/s

/** What the pages show. */
export interface PagesOptions {
  readonly orm: MikroORM
  readonly mails: Mails
  readonly production: boolean
}

/** The pages: none of them changes anything. */
export function mountPages(app: Express, { orm, mails, production }: PagesOptions): void {
  const page = (file: string) => {
    const html = readFileSync(`${folder}${file}`, 'utf8').replace(production ? development : '', '')
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
  if (production) return
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
