import { fileURLToPath } from 'node:url'
import type { MikroORM } from '@mikro-orm/core'
import express, { type Express, type Response } from 'express'
import type { Mails } from './mails.js'

const folder = fileURLToPath(new URL('../public/', import.meta.url))

/** What the pages and probes show. */
export interface PagesOptions {
  readonly orm: MikroORM
  readonly mails: Mails
  readonly production: boolean
}

/** The pages and probes: none of them changes anything. */
export function mountPages(app: Express, { orm, mails, production }: PagesOptions): void {
  const page = (file: string) => (_request: unknown, response: Response) => {
    response.set('Cache-Control', 'no-store').sendFile(file, { root: folder, etag: false, lastModified: false })
  }
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })
  app.get('/readyz', async (_request, response) => {
    const ok = await isReady(orm)
    response.status(ok ? 200 : 503).json({ status: ok ? 'ok' : 'unavailable' })
  })
  app.get('/', page('index.html'))
  app.get('/api/auth/verify-account', page('verify-account.html'))
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

// Whoever asks has given up after a few seconds; a database that hangs answers nobody.
const patience = 1500

async function isReady(orm: MikroORM): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, patience, false)
  })
  const answered = orm.checkConnection().then(
    ({ ok }) => ok,
    () => false,
  )
  return Promise.race([answered, late]).finally(() => clearTimeout(timer))
}
