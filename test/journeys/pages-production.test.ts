import type { Server } from 'node:https'
import { type AuthServer, createAuthServer } from '@countersign/auth'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { secret } from '../support/auth-systems.js'
import { freePort } from '../support/free-port.js'
import { freshFolder } from '../support/fresh-folder.js'
import { ownCertificate, serveTls } from '../support/tls-front.js'
import { browserIsHere, launchBrowser, Visitor } from '../support/visitor.js'

const password = 'correct horse battery staple'
const email = 'root@example.org'
const pem = ownCertificate()
if (pem === null && process.env.REQUIRE_SERVICES === '1') throw new Error('REQUIRE_SERVICES=1 and no openssl')
if (pem === null) console.warn('SKIPPED: no openssl; cookies were not tried over TLS.')

describe.runIf(browserIsHere && pem !== null)('the pages in production, in a browser', () => {
  let browser: Browser
  let auth: AuthServer
  let server: Server
  let url: string
  const folder = freshFolder()
  beforeAll(async () => {
    const port = await freePort()
    url = `https://localhost:${port}`
    browser = await launchBrowser()
    auth = await createAuthServer({ database: { folder }, secret, publicUrl: url, production: true })
    await auth.services.accounts.ensureAdmin(email, password)
    server = await serveTls(auth.app, port, pem as string)
  })
  afterAll(async () => {
    await browser.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await auth.close()
  })

  // SES-01
  it('have cookies of this host alone, for TLS alone, which a browser keeps, sends and drops', async () => {
    const visitor = await Visitor.comes(browser, url, { ignoreHTTPSErrors: true })
    await visitor.open('/')
    await visitor.send('login', { email, password })
    await visitor.sees('Security')
    const kept = (await visitor.context.cookies()).map(({ name, secure, httpOnly, path, sameSite }) => [
      name,
      { secure, httpOnly, path, sameSite },
    ])
    const rules = { secure: true, httpOnly: true, path: '/' }
    expect(Object.fromEntries(kept)).toMatchObject({
      '__Host-at': { ...rules, sameSite: 'Lax' },
      '__Host-rt': { ...rules, sameSite: 'Strict' },
    })
    await visitor.page.reload()
    await visitor.sees('Security')
    await visitor.context.clearCookies({ name: '__Host-at' })
    await visitor.goesTo('Sessions')
    await expect.poll(() => visitor.rows()).toHaveLength(1)
    await visitor.logsOut()
    const left = (await visitor.context.cookies()).map(({ name }) => name)
    expect(left.filter((name) => /-(at|rt)$/.test(name))).toEqual([])
    expect(visitor.errors).toEqual([])
    await visitor.leaves()
  })

  it('have no mailbox, and no word of it', async () => {
    const visitor = await Visitor.comes(browser, url, { ignoreHTTPSErrors: true })
    await visitor.open('/')
    await visitor.sees('Log in')
    expect(await visitor.page.content()).not.toMatch(/mailbox|development/)
    await visitor.open('/dev/mailbox')
    expect(visitor.refusals).toContain('GET /dev/mailbox 404')
    await visitor.leaves()
  })
})
