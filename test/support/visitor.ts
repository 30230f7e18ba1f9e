import { existsSync } from 'node:fs'
import axe from 'axe-core'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core'
import { expect } from 'vitest'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** Whether there is a browser; says so, or fails where everything has to be there, if there is none. */
export const browserIsHere = existsSync(executablePath)
if (!browserIsHere && process.env.REQUIRE_SERVICES === '1')
  throw new Error('REQUIRE_SERVICES=1 and no browser at CHROMIUM')
if (!browserIsHere) console.warn('SKIPPED: no browser at CHROMIUM; the pages were not tried.')

/** The two sizes that pages are looked at in. */
export const devices: ReadonlyArray<readonly [string, BrowserContextOptions]> = [
  ['a desktop', { viewport: { width: 1280, height: 900 } }],
  ['a phone in the dark', { viewport: { width: 390, height: 844 }, hasTouch: true, colorScheme: 'dark' }],
]

// Without these a browser looks for its vendor's servers.
const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath, args: quiet })
}

// Axe tries styles out that the policy refuses: none of the page's doing.
const policyWatch = `document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
  if (!window.axeRuns) console.error('the policy refused ' + effectiveDirective + ' ' + blockedURI)
})`
const runAxe = `(async () => {
  window.axeRuns = true
  const { violations } = await axe.run()
  await new Promise((resolve) => setTimeout(resolve, 100))
  window.axeRuns = false
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html))
})()`

/** Somebody with a browser of their own, who notes what goes wrong in it. */
export class Visitor {
  readonly page: Page
  readonly #url: string
  /** Errors of scripts, broken content security policies, and whatever else a browser's console calls an error. */
  readonly errors: string[] = []
  /** The answers that refused something: `POST /api/auth/login 401`. */
  readonly refusals: string[] = []

  private constructor(page: Page, url: string) {
    this.page = page
    this.#url = url
    page.on('pageerror', ({ message }) => this.errors.push(message))
    page.on('console', (message) => {
      // A refused request has its own list, and a broken policy says so by itself.
      const isListed = /status of 4|Content Security Policy/.test(message.text())
      if (message.type() === 'error' && !isListed) this.errors.push(message.text())
    })
    page.on('response', (response) => {
      const { pathname } = new URL(response.url())
      if (response.status() >= 400)
        this.refusals.push(`${response.request().method()} ${pathname} ${response.status()}`)
    })
  }

  /** Comes with empty hands: no cookies, no storage. */
  static async comes(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visitor> {
    const context = await browser.newContext(options)
    await context.addInitScript(policyWatch)
    return new Visitor(await context.newPage(), url)
  }

  get context(): BrowserContext {
    return this.page.context()
  }

  async open(path: string): Promise<void> {
    await this.page.goto(`${this.#url}${path}`)
  }

  /** Opens the link of the newest mail that names this address; answers its token. */
  async openMail(to: string): Promise<string> {
    await this.open('/dev/mailbox')
    const mail = this.page.locator('article', { hasText: to }).first()
    const { pathname, search } = new URL((await mail.locator('a').first().getAttribute('href')) as string)
    await this.open(`${pathname}${search}`)
    await expect.poll(() => this.page.evaluate('location.search')).toBe('')
    return search.replace('?token=', '')
  }

  form(path: string): Locator {
    return this.page.locator(`form[data-path="${path}"]`)
  }

  /** Fills a form in and sends it, as a keyboard does. */
  async send(path: string, fields: Record<string, string> = {}): Promise<void> {
    const form = this.form(path)
    for (const [name, value] of Object.entries(fields)) await form.locator(`[name="${name}"]`).fill(value)
    await form.locator('[type=submit]:enabled').press('Enter')
  }

  /** What the page says where it is listened to. */
  async hears(sentence: string | RegExp): Promise<void> {
    const said = () => this.page.locator('[role=status]:visible').allTextContents()
    await expect.poll(said).toContainEqual(typeof sentence === 'string' ? sentence : expect.stringMatching(sentence))
  }

  async sees(heading: string): Promise<void> {
    await expect.poll(() => this.page.locator('h1:visible').allTextContents()).toEqual([heading])
  }

  /** Goes to a section by its link. */
  async goesTo(section: string): Promise<void> {
    await this.page.locator('nav a', { hasText: section }).click()
    await this.sees(section)
  }

  async logsOut(): Promise<void> {
    await this.page.locator('#logout').click()
    await this.hears('You are logged out.')
    await this.sees('Log in')
  }

  /** The rows of the section that is shown, each as "event outcome". */
  rows(): Promise<string[]> {
    return this.page
      .locator('.rows:visible > li')
      .evaluateAll((rows) =>
        rows.map((row) => [...row.querySelectorAll('strong, .badge')].map((part) => part.textContent).join(' ')),
      )
  }

  /** What is wrong with the page as it is shown now: for who can't see it, and for who has a small screen. */
  async faults(): Promise<string[]> {
    await this.page.evaluate(axe.source)
    const found = (await this.page.evaluate(runAxe)) as string[]
    const wide = (await this.page.evaluate('document.documentElement.scrollWidth > window.innerWidth')) as boolean
    return wide ? [...found, 'wider than the screen'] : found
  }

  async leaves(): Promise<void> {
    await this.context.close()
  }
}
