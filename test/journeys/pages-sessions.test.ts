import type { Browser, Cookie } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'
import { browserIsHere, launchBrowser, Visitor } from '../support/visitor.js'

const password = 'correct horse battery staple'
const { make } = places[0] as (typeof places)[number]

describe.runIf(browserIsHere)('sessions and cookies, in a browser', () => {
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

  async function logsIn(email: string, remember = false): Promise<Visitor> {
    const visitor = await Visitor.comes(browser, system.url)
    await visitor.open('/')
    if (remember) await visitor.page.locator('[name=remember_me]').check()
    await visitor.send('login', { email, password })
    await visitor.sees('Security')
    return visitor
  }

  async function owner(email: string): Promise<string> {
    await new AuthClient(system.url).signUpAndVerify(email, password)
    return email
  }

  const tokensOf = async ({ context }: Visitor): Promise<Cookie[]> =>
    (await context.cookies()).filter(({ name }) => name === 'at' || name === 'rt')

  // SES-01, SES-18, SES-29
  it('are kept where no script sees them, sent along, and dropped at the log-out', async () => {
    const visitor = await logsIn(await owner('kept@example.org'))
    const tokens = await tokensOf(visitor)
    expect(
      tokens.map(({ name, httpOnly, sameSite, path, expires }) => ({ name, httpOnly, sameSite, path, expires })),
    ).toEqual([
      { name: 'at', httpOnly: true, sameSite: 'Lax', path: '/', expires: -1 },
      { name: 'rt', httpOnly: true, sameSite: 'Strict', path: '/', expires: -1 },
    ])
    const seen = 'JSON.stringify([document.cookie, localStorage, sessionStorage, document.documentElement.outerHTML])'
    const visible = (await visitor.page.evaluate(seen)) as string
    for (const { value } of await visitor.context.cookies()) expect(visible).not.toContain(value)
    expect(await visitor.page.evaluate('document.cookie')).toBe('')
    await visitor.page.reload()
    await visitor.sees('Security')

    await visitor.goesTo('Profile')
    await visitor.logsOut()
    expect(await tokensOf(visitor)).toEqual([])
    await visitor.page.goBack()
    await visitor.sees('Log in')
    expect(await visitor.page.content()).not.toContain('kept@example.org')
    await visitor.context.addCookies(tokens)
    await visitor.page.reload()
    await visitor.sees('Log in')
    expect(visitor.errors).toEqual([])
    await visitor.leaves()
  })

  it('outlive the browser where that was asked for', async () => {
    const visitor = await logsIn(await owner('remembered@example.org'), true)
    const left = (await tokensOf(visitor)).map(({ expires }) => expires - Date.now() / 1000)
    expect(left.every((seconds) => seconds > 60)).toBe(true)
    await visitor.leaves()
  })

  it('are renewed once when the access token is gone, however many requests find out', async () => {
    const visitor = await logsIn(await owner('renewed@example.org'))
    const [, before] = await tokensOf(visitor)
    const renewals: number[] = []
    visitor.page.on('response', (response) => {
      if (response.url().endsWith('/api/auth/refresh')) renewals.push(response.status())
    })
    await visitor.context.clearCookies({ name: 'at' })
    const asking =
      "(async () => { const { ask } = await import('/assets/api.js'); const asked = ['sessions', 'profile', 'login-history'].map((path) => ask(path)); return (await Promise.all(asked)).map(({ status }) => status) })()"
    expect(await visitor.page.evaluate(asking)).toEqual([200, 200, 200])
    expect(renewals).toEqual([200])
    const [at, after] = await tokensOf(visitor)
    expect([at?.name, after?.name, after?.value === before?.value]).toEqual(['at', 'rt', false])
    await visitor.leaves()
  })

  it('that ended elsewhere lead back to the log-in, and say so', async () => {
    const email = await owner('twice@example.org')
    const [here, there] = [await logsIn(email), await logsIn(email)]
    await here.goesTo('Sessions')
    await expect
      .poll(() => here.rows())
      .toEqual([expect.stringMatching(/^Chrom.* on Linux$/), expect.stringMatching(/ this one$/)])
    expect(await here.faults()).toEqual([])
    await here.page.locator('button', { hasText: /^End$/ }).click()
    await here.hears('The session was ended.')
    await expect.poll(async () => (await here.rows()).length).toBe(1)
    await there.page.locator('nav a', { hasText: 'History' }).click()
    await there.hears('Your session has ended. Please log in again.')
    await there.sees('Log in')
    expect(await tokensOf(there)).toEqual([])

    const another = await logsIn(email)
    await here.goesTo('Security')
    await here.goesTo('Sessions')
    await here.page.locator('button', { hasText: 'End all other sessions' }).click()
    await here.hears('Every other session was ended.')
    await another.page.reload()
    await another.sees('Log in')
    await here.goesTo('History')
    expect((await here.rows()).slice(0, 3)).toEqual([
      'Token refresh failure',
      'Session revoke all success',
      'Login success',
    ])
    for (const visitor of [here, there, another]) {
      expect(visitor.errors).toEqual([])
      await visitor.leaves()
    }
  })
})
