import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'
import { browserIsHere, devices, launchBrowser, Visitor } from '../support/visitor.js'

const password = 'correct horse battery staple'
const { make } = places[0] as (typeof places)[number]

describe.runIf(browserIsHere)('the pages at /, in a browser', () => {
  let browser: Browser
  let system: TestSystem
  beforeAll(async () => {
    browser = await launchBrowser()
    system = await startSystem(make, { limits: unlimited })
  })
  afterAll(async () => {
    await browser.close()
    await system.close()
  })

  it.each(devices)('take a newcomer on %s from the sign-up to the log-out', async (device, viewport) => {
    const visitor = await Visitor.comes(browser, system.url, viewport)
    const email = `${device.replace(' ', '-')}@example.org`

    await visitor.open('/')
    await visitor.sees('Log in')
    expect(await visitor.faults()).toEqual([])
    await visitor.page.locator('a', { hasText: 'Sign up' }).click()
    await visitor.sees('Sign up')
    expect(await visitor.faults()).toEqual([])
    await visitor.send('signup', { email, password, confirm_password: `${password}.` })
    await visitor.hears('The two passwords are not the same.')
    await visitor.send('signup', { email, password, confirm_password: password })
    await visitor.hears(/mail/)
    const token = await visitor.openMail(email)
    expect(token.length).toBeGreaterThan(20)
    await visitor.sees('Verify your e-mail address')
    expect(await visitor.faults()).toEqual([])
    await visitor.send('verify-account')
    await visitor.hears('Verified. You can log in now.')

    await visitor.page.locator('a', { hasText: 'To the log-in' }).click()
    await visitor.send('login', { email, password: 'wrong' })
    await visitor.hears('The e-mail address or the password is wrong.')
    await visitor.send('login', { email, password })
    await visitor.sees('Security')
    expect(await visitor.faults()).toEqual([])
    await visitor.goesTo('History')
    expect(await visitor.rows()).toEqual([
      'Login success',
      'Login failure',
      'Password set success',
      'Email verification success',
      'Signup success',
    ])
    expect(await visitor.faults()).toEqual([])
    await visitor.page.locator('#logout').click()
    await visitor.hears('You are logged out.')
    await visitor.sees('Log in')
    expect(visitor.refusals.filter((refusal) => !refusal.endsWith('404'))).toEqual([
      // Whether there is a session, a page can only find out by asking.
      'GET /api/auth/profile 401',
      'POST /api/auth/signup 400',
      'GET /api/auth/profile 401',
      'POST /api/auth/login 401',
    ])
    expect(visitor.errors).toEqual([])
    await visitor.leaves()
  })
})
