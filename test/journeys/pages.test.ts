import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'
import { codeOfStep, stepAt } from '../support/authenticator.js'
import { scannedUri } from '../support/scanned-uri.js'
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

  /** Until there is an account that can be used. */
  async function signsUp(visitor: Visitor, email: string): Promise<void> {
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
    await visitor.openMail(email)
    await visitor.sees('Verify your e-mail address')
    expect(await visitor.faults()).toEqual([])
    await visitor.send('verify-account')
    await visitor.hears('Verified. You can log in now.')
    await visitor.page.locator('a', { hasText: 'To the log-in' }).click()
  }

  /** What an authenticator app knows once it has seen the picture, and the codes that are shown once. */
  async function turnsTwoFactorsOn(visitor: Visitor): Promise<{ code(steps: number): string; backup: string[] }> {
    await visitor.send('2fa/setup')
    await expect.poll(() => visitor.page.locator('.qr').count()).toBe(1)
    expect(await visitor.faults()).toEqual([])
    const uri = scannedUri(await visitor.page.locator('.qr').screenshot())
    expect(uri.protocol).toBe('otpauth:')
    const secret = uri.searchParams.get('secret') as string
    expect((await visitor.page.locator('.secret').textContent())?.replaceAll(' ', '')).toBe(secret)
    const code = (steps: number) => codeOfStep(secret, stepAt() + steps)
    await visitor.send('2fa/enable', { code: '000000' })
    await visitor.hears('This code is not valid, or was used.')
    await visitor.send('2fa/enable', { code: code(0) })
    await expect.poll(() => visitor.page.locator('.codes li').count()).toBe(10)
    expect(await visitor.faults()).toEqual([])
    const backup = await visitor.page.locator('.codes li').allTextContents()
    await visitor.page.locator('button', { hasText: 'I have kept them' }).click()
    await expect.poll(() => visitor.page.locator('#two-factor').textContent()).toContain('10 backup codes are left.')
    expect(await visitor.page.content()).not.toContain(backup[0])
    return { code, backup }
  }

  it.each(devices)(
    'take a newcomer on %s from the sign-up to two factors and the log-out',
    { timeout: 120_000 },
    async (device, viewport) => {
      const visitor = await Visitor.comes(browser, system.url, viewport)
      const email = `${device.replaceAll(' ', '-')}@example.org`
      await signsUp(visitor, email)
      await visitor.send('login', { email, password: 'wrong' })
      await visitor.hears('The e-mail address or the password is wrong.')
      await visitor.send('login', { email, password })
      await visitor.sees('Security')
      expect(await visitor.faults()).toEqual([])
      const { code, backup } = await turnsTwoFactorsOn(visitor)
      await visitor.logsOut()

      await visitor.send('login', { email, password })
      await visitor.sees('One more step')
      expect(await visitor.faults()).toEqual([])
      await visitor.send('2fa/verify-login', { code: code(1) })
      await visitor.sees('Security')
      await visitor.logsOut()
      await visitor.send('login', { email, password })
      await visitor.send('2fa/verify-login', { code: backup[0] as string })
      await visitor.hears('You used a backup code; 9 are left.')
      for (const section of ['Sessions', 'Profile', 'History']) {
        await visitor.goesTo(section)
        expect(await visitor.faults()).toEqual([])
      }
      expect(await visitor.rows()).toEqual([
        ...['Login success', 'Two factor challenge success', 'Login failure', 'Logout success'],
        ...['Login success', 'Two factor challenge success', 'Login failure', 'Logout success'],
        ...['Two factor enable success', 'Two factor enable failure', 'Two factor setup success'],
        ...['Login success', 'Login failure', 'Password set success', 'Email verification success', 'Signup success'],
      ])

      await visitor.goesTo('Security')
      await visitor.page.locator('summary', { hasText: 'Turn two factors off' }).click()
      await visitor.send('2fa/disable', { password, code: backup[1] as string })
      await expect.poll(() => visitor.page.locator('#two-factor .badge').textContent()).toBe('off')
      await visitor.logsOut()
      expect(visitor.refusals).toEqual([
        // Whether there is a session, a page can only find out by asking.
        'GET /api/auth/profile 401',
        'POST /api/auth/signup 400',
        'GET /api/auth/profile 401',
        'POST /api/auth/login 401',
        'POST /api/auth/2fa/enable 400',
        ...Array(3).fill('GET /api/auth/profile 401'),
      ])
      expect(visitor.errors).toEqual([])
      await visitor.leaves()
    },
  )
})
