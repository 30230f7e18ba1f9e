import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'
import { browserIsHere, launchBrowser, Visitor } from '../support/visitor.js'

const asset = new URL('../../packages/auth/public/assets/next.js', import.meta.url).href
const { safeNext }: { safeNext(text: string | null, origin: string): string | null } = await import(asset)
const origin = 'https://auth.example.org'

describe('where a login leads', () => {
  it.each([
    ['/account', 'https://auth.example.org/account'],
    ['/a/b?c=d#e', 'https://auth.example.org/a/b?c=d#e'],
    ['https://auth.example.org/account', 'https://auth.example.org/account'],
    ['/.//evil.example', 'https://auth.example.org//evil.example'],
    ['/?next=//evil.example', 'https://auth.example.org/?next=//evil.example'],
  ])('is %s, on this server', (text, next) => expect(safeNext(text, origin)).toBe(next))

  // OAU-15, RST-08
  it.each([
    null,
    '',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '\t//evil.example',
    '/\n/evil.example',
    ' //evil.example',
    'https:evil.example',
    'https:/evil.example',
    'https://evil.example',
    'https://auth.example.org@evil.example',
    'https://auth.example.org.evil.example/',
    'https://auth.example.org:444/',
    'http://auth.example.org/',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'account',
    '../account',
    '%2f%2fevil.example',
    '\u0000/account',
    '/\u2028/evil.example',
  ])('is not %j', (text) => expect(safeNext(text, origin)).toBeNull())
})

const place = places.find(({ name, here }) => here && name === 'PostgreSQL') ?? (places[0] as (typeof places)[number])

describe.runIf(browserIsHere)('where a login leads, in a browser', () => {
  let browser: Browser
  let system: TestSystem
  const password = 'correct horse battery staple'
  beforeAll(async () => {
    browser = await launchBrowser()
    system = await startSystem(place.make, { limits: unlimited })
    await new AuthClient(system.url).signUpAndVerify('ada@example.org', password)
  })
  afterAll(async () => {
    await browser.close()
    await system.close()
  })

  it.each([
    ['/dev/mailbox', '/dev/mailbox'],
    ['//evil.example/', '/'],
    ['/\\evil.example/', '/'],
  ])('is with next=%s the page %s of this server', async (next, path) => {
    const visitor = await Visitor.comes(browser, system.url)
    await visitor.open(`/?next=${encodeURIComponent(next)}`)
    await visitor.send('login', { email: 'ada@example.org', password })
    await visitor.sees(path === '/' ? 'Security' : 'Mailbox')
    const { origin: at, pathname } = new URL(visitor.page.url())
    expect([at, pathname]).toEqual([system.url, path])
  })
})
