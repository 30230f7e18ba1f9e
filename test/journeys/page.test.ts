import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { places, startSystem, type TestSystem } from '../support/auth-systems.js'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const here = existsSync(executablePath)
if (!here && process.env.REQUIRE_SERVICES === '1') throw new Error('REQUIRE_SERVICES=1 and no browser at CHROMIUM')
if (!here) console.warn('SKIPPED: no browser at CHROMIUM; the page was not tried.')

const password = 'correct horse battery staple'
// Without these a browser looks for its vendor's servers.
const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

describe.runIf(here)('the page at /, in a browser', () => {
  let browser: Browser
  let system: TestSystem
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: quiet })
    system = await startSystem((places[0] as (typeof places)[number]).make)
  })
  afterAll(async () => {
    await browser.close()
    await system.close()
  })

  async function submit(page: Page, path: string, fields: Record<string, string>): Promise<string | null> {
    const form = page.locator(`form[data-path="${path}"]`)
    for (const [name, value] of Object.entries(fields)) await form.locator(`[name="${name}"]`).fill(value)
    const answered = page.waitForResponse((response) => response.url().endsWith(`/api/auth/${path}`))
    await form.locator('button').click()
    await answered
    await expect.poll(() => page.locator('#answer').textContent()).toMatch(/^\d{3}: /)
    return page.locator('#answer').textContent()
  }

  it.each([
    ['a desktop', { width: 1200, height: 900 }],
    ['a phone', { width: 390, height: 800 }],
  ])('takes a newcomer on %s from the sign-up to the rows', async (device, viewport) => {
    const page = await browser.newPage({ viewport })
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(error.message))
    const email = `${device.replace(' ', '-')}@example.org`

    await page.goto(`${system.url}/`)
    expect(await submit(page, 'signup', { email, password, confirm_password: password })).toContain('202')
    await page.goto(`${system.url}/dev/mailbox`)
    const link = (await page.locator('#mails a').first().getAttribute('href')) as string
    await page.goto(`${system.url}${new URL(link).pathname}${new URL(link).search}`)
    await page.locator('button').click()
    await expect.poll(() => page.locator('#answer').textContent()).toBe('Verified. You can log in now.')

    await page.goto(`${system.url}/`)
    await submit(page, 'login', { email, password: 'wrong' })
    await submit(page, 'login', { email, password })
    await expect.poll(() => page.locator('#who').textContent()).toBe('Logged in.')
    const events = await page.locator('#rows tr').evaluateAll((rows) =>
      rows.map((row) =>
        [...row.children]
          .slice(1, 3)
          .map((cell) => cell.textContent)
          .join(' '),
      ),
    )
    expect(events).toEqual([
      'login success',
      'login failure',
      'password_set success',
      'email_verification success',
      'signup success',
    ])
    expect(await page.evaluate('document.cookie')).toBe('')
    expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true)

    await submit(page, 'logout', {})
    await expect.poll(() => page.locator('#who').textContent()).toBe('Nobody is logged in.')
    expect(errors).toEqual([])
    await page.close()
  })

  it('takes who lost the first mail and forgot the password back in, and to another password', async () => {
    const page = await browser.newPage()
    const errors: string[] = []
    const asked: string[] = []
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('console', (message) => {
      // A refused login is a failed request, too, and no fault of the page.
      if (message.type() === 'error' && !message.text().includes('status of 4')) errors.push(message.text())
    })
    page.on('request', (request) => asked.push(`${request.url()} ${request.headers().referer ?? ''}`))
    const email = 'forgetful@example.org'
    const [reset, changed] = ['a sentence that is easy to keep', 'another sentence, kept as easily']
    const openMailed = async () => {
      await page.goto(`${system.url}/dev/mailbox`)
      const { pathname, search } = new URL((await page.locator('#mails a').first().getAttribute('href')) as string)
      asked.length = 0
      await page.goto(`${system.url}${pathname}${search}`)
      await expect.poll(() => page.evaluate('location.search')).toBe('')
      return search.replace('?token=', '')
    }

    await page.goto(`${system.url}/`)
    await submit(page, 'signup', { email, password, confirm_password: password })
    expect(await submit(page, 'verify-account/resend', { email })).toContain('202')
    await openMailed()
    await page.locator('button').click()
    await expect.poll(() => page.locator('#answer').textContent()).toBe('Verified. You can log in now.')

    await page.goto(`${system.url}/`)
    expect(await page.locator('form[data-path="change-password"]').isVisible()).toBe(false)
    expect(await submit(page, 'password-reset', { email })).toContain('202')
    const token = await openMailed()
    const fill = async (one: string, again: string) => {
      await page.locator('[name="password"]').fill(one)
      await page.locator('[name="confirm_password"]').fill(again)
      await page.locator('button').click()
    }
    await fill(reset, `${reset}.`)
    await expect.poll(() => page.locator('#answer').textContent()).toBe('The two passwords are not the same.')
    await fill(reset, reset)
    await expect.poll(() => page.locator('#answer').textContent()).toMatch(/^The new password is set/)
    expect(await page.locator('form').count()).toBe(0)
    // The page itself, and nothing that it asks for.
    expect(asked.filter((request) => request.includes(token))).toHaveLength(1)

    await page.goto(`${system.url}/`)
    await submit(page, 'login', { email, password: reset })
    await expect.poll(() => page.locator('form[data-path="change-password"]').isVisible()).toBe(true)
    const fields = { current_password: reset, password: changed, confirm_password: changed }
    expect(await submit(page, 'change-password', fields)).toContain('200: The password is changed')
    await expect.poll(() => page.locator('#rows tr').first().textContent()).toContain('password_change')
    expect(await page.locator('#who').textContent()).toBe('Logged in.')
    await submit(page, 'logout', {})
    await expect.poll(() => page.locator('form[data-path="change-password"]').isVisible()).toBe(false)
    expect(await submit(page, 'login', { email, password: changed })).toContain('200')
    expect(errors).toEqual([])
    await page.close()
  })

  it('says so when the page of the reset is opened without a token', async () => {
    const page = await browser.newPage()
    await page.goto(`${system.url}/reset-password`)
    await expect.poll(() => page.locator('#answer').textContent()).toMatch(/^This link has no token/)
    await page.close()
  })
})
