import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'
import { browserIsHere, launchBrowser, Visitor } from '../support/visitor.js'

const password = 'correct horse battery staple'
const { make } = places[0] as (typeof places)[number]

describe.runIf(browserIsHere)('the pages of an account, in a browser', () => {
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

  async function loggedIn(email: string): Promise<Visitor> {
    await new AuthClient(system.url).signUpAndVerify(email, password)
    const visitor = await Visitor.comes(browser, system.url)
    await visitor.open('/')
    await visitor.send('login', { email, password })
    await visitor.sees('Security')
    return visitor
  }

  it('take who lost the first mail and forgot the password back in, and to another password', async () => {
    const visitor = await Visitor.comes(browser, system.url)
    const asked: string[] = []
    visitor.page.on('request', (request) => asked.push(`${request.url()} ${request.headers().referer ?? ''}`))
    const email = 'forgetful@example.org'
    const [reset, changed] = ['a sentence that is easy to keep', 'another sentence, kept as easily']

    await visitor.open('/#signup')
    await visitor.send('signup', { email, password, confirm_password: password })
    await visitor.hears(/mail/)
    await visitor.open('/#resend')
    await visitor.send('verify-account/resend', { email })
    await visitor.hears(/mail/)
    await visitor.openMail(email)
    await visitor.send('verify-account')
    await visitor.hears('Verified. You can log in now.')

    await visitor.open('/#forgot')
    await visitor.send('password-reset', { email })
    await visitor.hears(/mail/)
    const token = await visitor.openMail(email)
    await visitor.send('password-reset-confirm', { password: reset, confirm_password: `${reset}.` })
    await visitor.hears('The two passwords are not the same.')
    await visitor.send('password-reset-confirm', { password: reset, confirm_password: reset })
    await visitor.hears(/^The new password is set/)
    expect(await visitor.page.locator('input').count()).toBe(0)
    // The page itself, and nothing that it asks for.
    expect(asked.filter((request) => request.includes(token))).toHaveLength(1)

    await visitor.open('/')
    await visitor.send('login', { email, password: reset })
    await visitor.sees('Security')
    const fields = { current_password: reset, password: changed, confirm_password: changed }
    await visitor.send('change-password', fields)
    await visitor.hears(/^The password is changed/)
    expect(await visitor.form('change-password').locator('input').first().inputValue()).toBe('')
    await visitor.logsOut()
    await visitor.send('login', { email, password: changed })
    await visitor.sees('Security')
    expect(visitor.errors).toEqual([])
    await visitor.leaves()
  })

  it('change the address by a link to the new one, and back by a link to the old one', async () => {
    const [old, other, chosen] = ['old@example.org', 'other@example.org', 'whatever it takes to be another one']
    const visitor = await loggedIn(old)
    await visitor.send('change-email', { new_email: other, password: 'wrong' })
    await visitor.hears(/password is wrong/)
    await visitor.send('change-email', { new_email: other, password })
    await visitor.hears(/a mail with a link is on its way/)
    await visitor.openMail(other)
    await visitor.sees('Confirm your new e-mail address')
    await visitor.send('change-email-confirm')
    await visitor.hears(/^This is the address of the account now/)

    await visitor.open('/')
    await visitor.send('login', { email: other, password })
    await visitor.sees('Security')
    expect(await visitor.page.locator('#who').textContent()).toBe(other)
    await visitor.openMail(old)
    await visitor.sees('Undo the change of your e-mail address')
    await visitor.send('change-email-undo')
    await visitor.hears(/^The account has its old address/)
    await visitor.openMail(old)
    await visitor.send('password-reset-confirm', { password: chosen, confirm_password: chosen })
    await visitor.hears(/^The new password is set/)
    await visitor.open('/')
    await visitor.sees('Log in')
    await visitor.send('login', { email: old, password: chosen })
    await visitor.sees('Security')
    expect(visitor.errors).toEqual([])
    await visitor.leaves()
  })

  it('say so when a mailed page is opened without its token, and when the token is worth nothing', async () => {
    const visitor = await Visitor.comes(browser, system.url)
    for (const page of [
      'reset-password',
      'api/auth/verify-account',
      'api/auth/change-email-confirm',
      'api/auth/change-email-undo',
    ]) {
      await visitor.open(`/${page}`)
      await visitor.hears('This link has no token. Open it from the mail again.')
      expect(await visitor.faults()).toEqual([])
    }
    await visitor.open('/api/auth/verify-account?token=nothing')
    await visitor.send('verify-account')
    await visitor.hears('This link is not valid, or was used, or is too old.')
    expect(visitor.errors).toEqual([])
    await visitor.leaves()
  })

  it('keep the profile, show what was typed as text, and when a consent was given', async () => {
    const visitor = await loggedIn('profile@example.org')
    expect(await visitor.page.locator('#who').textContent()).toBe('profile@example.org')
    await visitor.goesTo('Profile')
    const fields = { first_name: 'Ada', last_name: '<img src=x onerror=alert(1)>', location: 'London', bio: 'Notes.' }
    await visitor.page.locator('[name=marketing_consent]').check()
    await visitor.send('profile', fields)
    await visitor.hears('Saved.')
    await visitor.page.reload()
    await visitor.sees('Profile')
    for (const [name, value] of Object.entries(fields))
      expect(await visitor.page.locator(`[name=${name}]`).inputValue()).toBe(value)
    expect(await visitor.page.locator('[name=marketing_consent]').isChecked()).toBe(true)
    expect(await visitor.page.locator('#consent-hint').textContent()).toMatch(/^Agreed to .*20\d\d/)
    expect(await visitor.faults()).toEqual([])
    expect(visitor.errors).toEqual([])
    await visitor.leaves()
  })

  it('say what a field must be beside it, and go there', async () => {
    const visitor = await Visitor.comes(browser, system.url)
    await visitor.open('/#forgot')
    await visitor.send('password-reset', { email: `${'x'.repeat(330)}@example.org` })
    const input = visitor.form('password-reset').locator('[name=email]')
    await expect
      .poll(() => visitor.page.locator('.fault').allTextContents())
      .toEqual(['This must be a text of 1 to 320 characters.'])
    expect(await input.getAttribute('aria-invalid')).toBe('true')
    expect(await visitor.page.evaluate('document.activeElement.name')).toBe('email')
    expect(await visitor.faults()).toEqual([])
    await visitor.leaves()
  })

  it('say when to try again, and when nothing answers', async () => {
    const visitor = await Visitor.comes(browser, system.url)
    await visitor.open('/')
    for (let attempt = 0; attempt < 5; attempt++) {
      await visitor.send('login', { email: 'locked@example.org', password: `wrong ${attempt}` })
      await visitor.hears('The e-mail address or the password is wrong.')
    }
    await visitor.send('login', { email: 'locked@example.org', password })
    await visitor.hears('Too many attempts. Try again in 15 minutes.')
    await visitor.context.setOffline(true)
    await visitor.send('login', { email: 'locked@example.org', password })
    await visitor.hears('The server can’t be reached. Try again in a moment.')
    await visitor.leaves()
  })

  it('show a mail that comes while the mailbox is open', async () => {
    const visitor = await Visitor.comes(browser, system.url)
    await visitor.open('/dev/mailbox')
    expect(await visitor.faults()).toEqual([])
    const email = 'late@example.org'
    await new AuthClient(system.url).post('/api/auth/signup', { email, password, confirm_password: password })
    await visitor.hears('New mail: Please verify your e-mail address')
    expect(await visitor.page.locator('article').first().textContent()).toContain(`To ${email}`)
    expect(visitor.errors).toEqual([])
    await visitor.leaves()
  })

  it('let nothing run that is not a file of this server', async () => {
    const visitor = await Visitor.comes(browser, system.url)
    await visitor.open('/')
    await visitor.sees('Log in')
    await visitor.page.evaluate(`document.body.insertAdjacentHTML('beforeend', '<img src=/ onerror=alert(1)>')`)
    await expect.poll(() => visitor.errors).toEqual(['the policy refused script-src-attr inline'])
    await visitor.leaves()
  })
})
