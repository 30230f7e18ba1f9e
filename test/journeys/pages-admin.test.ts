import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'
import { browserIsHere, devices, launchBrowser, Visitor } from '../support/visitor.js'

const password = 'correct horse battery staple'
const { make } = places[0] as (typeof places)[number]

describe.runIf(browserIsHere)('the pages of an administrator, in a browser', () => {
  let browser: Browser
  let system: TestSystem
  beforeAll(async () => {
    browser = await launchBrowser()
    system = await startSystem(make, { limits: unlimited })
    await system.auth.services.accounts.ensureAdmin('root@example.org', password)
    for (const name of ['ada', 'eve']) await new AuthClient(system.url).signUpAndVerify(`${name}@example.org`, password)
  })
  afterAll(async () => {
    await browser.close()
    await system.close()
  })

  async function logsIn(email: string, options?: BrowserContextOptions): Promise<Visitor> {
    const visitor = await Visitor.comes(browser, system.url, options)
    await visitor.open('/')
    await visitor.send('login', { email, password })
    await visitor.sees('Security')
    return visitor
  }

  it.each(devices)('show the accounts and the trail on %s, and act on an account', async (_device, options) => {
    const visitor = await logsIn('root@example.org', options)
    await visitor.goesTo('Users')
    await expect.poll(() => visitor.rows()).toEqual(['eve@example.org', 'ada@example.org', 'root@example.org admin'])
    expect(await visitor.faults()).toEqual([])
    await visitor.page.locator('[name=search]').fill('eve@')
    await visitor.page.locator('[name=search]').press('Enter')
    await expect.poll(() => visitor.rows()).toEqual(['eve@example.org'])
    const press = async (text: string) => {
      await visitor.page.locator('.rows:visible summary').click()
      await visitor.page.locator('.rows:visible button', { hasText: text }).click()
    }
    await press('Disable')
    await visitor.hears('eve@example.org can’t log in any more.')
    expect(await visitor.rows()).toEqual(['eve@example.org disabled'])
    expect(
      (await new AuthClient(system.url).post('/api/auth/login', { email: 'eve@example.org', password })).status,
    ).toBe(401)
    expect(await visitor.faults()).toEqual([])
    await press('Enable')
    await visitor.hears('eve@example.org can log in again.')
    await press('Mail a reset')
    await visitor.hears(/^eve@example.org gets a mail/)

    await visitor.goesTo('Trail')
    await expect
      .poll(async () => (await visitor.rows()).slice(0, 5))
      .toEqual([
        'Admin action success',
        'Admin action success',
        'Login failure',
        'Admin action success',
        'Admin action success',
      ])
    expect(await visitor.faults()).toEqual([])
    expect(visitor.errors).toEqual([])
    await visitor.leaves()
  })

  it('are not shown to anybody else, and not asked for', async () => {
    const visitor = await logsIn('ada@example.org')
    expect(await visitor.page.locator('nav a').allTextContents()).toEqual([
      'Security',
      'Sessions',
      'History',
      'Profile',
    ])
    await visitor.open('/#trail')
    await visitor.page.reload()
    await visitor.sees('Security')
    expect(visitor.refusals).toEqual(['GET /api/auth/profile 401'])
    await visitor.leaves()
  })
})
