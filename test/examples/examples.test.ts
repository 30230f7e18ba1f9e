import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const example = (name: string) => new URL(`../../examples/${name}/`, import.meta.url)

async function output(name: string): Promise<string[]> {
  const { stdout } = await run(process.execPath, [new URL('dist/main.js', example(name)).pathname])
  return stdout.trim().split('\n')
}

describe('the quickstart', () => {
  it('shows a signal, a decorator, a mixin and the rows they leave', async () => {
    expect(await output('quickstart')).toEqual([
      'signal: a failed login as a***@e***.org',
      'login failure bad_credentials anonymous a***@e***.org 192.0.2.7',
      'login success - Ada a***@e***.org 192.0.2.7',
      'password_reset_request success - anonymous a***@e***.org 192.0.2.7',
    ])
  })

  it('is one file of at most 60 lines', async () => {
    const source = await readFile(new URL('src/main.ts', example('quickstart')), 'utf8')
    expect(source.split('\n').length).toBeLessThanOrEqual(60)
  })
})

describe('the custom mixin', () => {
  it('leaves the same rows declared and written by hand', async () => {
    const rows = (name: string) => [
      `${name} invoice_payment success - medium clerk-7 {"invoiceId":"2026-1"}`,
      `${name} invoice_payment failure internal_error medium clerk-7 {"invoiceId":"2026-2"}`,
    ]
    expect(await output('custom-mixin')).toEqual([...rows('DeclaredController'), ...rows('ByHandController')])
  })
})

describe('an own user', () => {
  it('has a field of its own, a sign-up that takes it, other mails and fewer routes', async () => {
    expect(await output('own-user')).toEqual([
      '/api/auth/signup 202',
      '/api/auth/signup 400',
      '/api/auth/token 404',
      'ada@example.org Countess',
      'ada@example.org "Welcome to the club"',
      'MemberSignupController signup success -',
      'MemberSignupController signup failure validation_failed',
    ])
  }, 120_000)
})

describe('the ES decorators', () => {
  it('leave the same rows without experimentalDecorators, beside mixins and throttles', async () => {
    expect(await output('es-decorators')).toEqual([
      'refused: 2 failures were enough',
      'SessionService open login success - Ada',
      'SessionService open login failure bad_credentials anonymous',
      'SessionService open login failure bad_credentials anonymous',
      'SessionService open login denied throttled anonymous',
      'SessionService changePassword password_change success - anonymous',
      'SessionService end logout success - anonymous',
      "AuditError: Forgetful has no className of its own. Write: static readonly className = 'Forgetful'",
    ])
  })
})

describe('the subscribers', () => {
  it('that throw, reject, hang or write harm neither the responses nor the rows', async () => {
    expect(await output('subscribers')).toEqual([
      'answered: 401',
      'answered: 200',
      'answered: 401',
      'row: login failure bad_credentials',
      'row: login success -',
      'row: login failure bad_credentials',
      'fault: SUBSCRIBER_FAILED the address is noted already',
      'fault: SUBSCRIBER_FAILED the chat has no such channel',
      'fault: SUBSCRIBER_FAILED the chat has no such channel',
      'fault: SUBSCRIBER_FAILED the pager is unplugged',
      'fault: SUBSCRIBER_FAILED the pager is unplugged',
      'alerts: 1; the last subscriber was told of 3 rows',
      'closed, though one subscriber still hangs',
    ])
  })
})
