import type { AuthSettings } from '@countersign/auth'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'
import { browserIsHere, launchBrowser, Visitor } from '../support/visitor.js'

const password = 'correct horse battery staple'
const { make } = places[0] as (typeof places)[number]

describe.runIf(browserIsHere)('the pages, in a browser, show what the settings allow', () => {
  let browser: Browser
  let system: TestSystem
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterEach(() => system.close())
  afterAll(() => browser.close())

  async function visits(settings: Partial<AuthSettings>): Promise<Visitor> {
    system = await startSystem(make, { limits: unlimited, ...settings })
    const visitor = await Visitor.comes(browser, system.url)
    await visitor.open('/')
    return visitor
  }

  it('with user names and another length of passwords', async () => {
    const visitor = await visits({ usernames: true, passwordPolicy: { minLength: 20 } })
    await visitor.open('/#signup')
    await visitor.sees('Sign up')
    expect(await visitor.page.locator('#signup-hint').textContent()).toMatch(/^20 characters or more/)
    expect(await visitor.faults()).toEqual([])
    const email = 'named@example.org'
    await visitor.send('signup', { email, username: 'ada', password, confirm_password: password })
    await visitor.hears(/mail/)
    // Who wants none has none.
    await visitor.send('signup', { email: 'nameless@example.org', password, confirm_password: password })
    await visitor.hears(/mail/)
    await visitor.openMail(email)
    await visitor.send('verify-account')
    await visitor.hears('Verified. You can log in now.')
    await visitor.open('/')
    await visitor.page.getByLabel('E-mail or user name').fill('ada')
    await visitor.send('login', { password })
    await visitor.sees('Security')
    expect(visitor.errors).toEqual([])
    await visitor.leaves()
  })

  it('with everything off that can be', async () => {
    const off = { signup: false, passwordReset: false, emailChange: false, twoFactor: false, sessions: false }
    const visitor = await visits({
      features: { ...off, loginHistory: false, profiles: false, admin: false, audit: false },
    })
    await system.auth.services.accounts.ensureAdmin('root@example.org', password)
    await visitor.sees('Log in')
    expect(await visitor.page.locator('.ways:visible a').count()).toBe(0)
    await visitor.open('/#signup')
    await visitor.sees('Log in')
    await visitor.send('login', { email: 'root@example.org', password })
    await visitor.sees('Security')
    expect(await visitor.page.locator('nav a').allTextContents()).toEqual(['Security'])
    expect(await visitor.page.locator('.card:visible h2').allTextContents()).toEqual(['Password'])
    expect(await visitor.faults()).toEqual([])
    await visitor.page.reload()
    await visitor.sees('Security')
    await visitor.logsOut()
    expect(new Set(visitor.refusals)).toEqual(new Set(['GET /api/auth/csrf 401']))
    expect(visitor.errors).toEqual([])
    await visitor.leaves()
  })
})
