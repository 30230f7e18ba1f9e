import '../support/events.js'
import {
  auditMixin,
  withBackupCodesAudit,
  withEmailChangeAudit,
  withEmailChangeRequestAudit,
  withEmailChangeUndoAudit,
  withEmailVerificationAudit,
  withFailedResetAudit,
  withFileUploadAudit,
  withLoginAudit,
  withLogoutAudit,
  withPasswordChangeAudit,
  withPasswordResetAudit,
  withProfileUpdateAudit,
  withSessionRevokeAllAudit,
  withSessionRevokeAudit,
  withSignupAudit,
  withTokenRefreshAudit,
  withTwoFactorChallengeAudit,
  withTwoFactorDisableAudit,
  withTwoFactorEnableAudit,
  withTwoFactorSetupAudit,
  withVerificationMailAudit,
} from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { finished, handling } from '../support/controllers.js'
import { codeOf, onlyRow, recording } from '../support/recording.js'

class Invoices {
  async pay(invoiceId: string): Promise<string> {
    return `paid ${invoiceId}`
  }
  async settle(_invoiceId: string): Promise<string> {
    return 'settled'
  }
}

describe('a declared mixin', () => {
  const withInvoiceAudit = auditMixin({
    event: 'invoice_payment',
    method: 'pay',
    details: (invoiceId: string) => ({ invoiceId }),
    subject: (invoiceId: string) => ({ type: 'invoice', id: invoiceId }),
  })

  it('audits the method that it names, and takes from its arguments what it says', async () => {
    const recorded = recording()
    const controller = new (finished(withInvoiceAudit(Invoices), recorded))()
    expect(await controller.pay('i-1')).toBe('paid i-1')
    await controller.settle('i-1')
    expect(onlyRow(recorded)).toMatchObject({
      event: 'invoice_payment',
      methodName: 'pay',
      subject: { type: 'invoice', id: 'i-1' },
      details: { invoiceId: 'i-1' },
    })
  })

  it('audits another method where it is told so', async () => {
    const recorded = recording()
    const controller = new (finished(withInvoiceAudit(Invoices, { method: 'settle' }), recorded))()
    await controller.pay('i-1')
    await controller.settle('i-2')
    expect(onlyRow(recorded)).toMatchObject({ methodName: 'settle', details: { invoiceId: 'i-2' } })
  })

  it('can be applied to any number of classes', async () => {
    const recorded = recording()
    await new (finished(withInvoiceAudit(Invoices), recorded))().pay('i-1')
    await new (finished(withInvoiceAudit(class extends Invoices {}), recorded))().pay('i-2')
    expect(recorded.rows.map(({ details }) => details)).toEqual([{ invoiceId: 'i-1' }, { invoiceId: 'i-2' }])
  })

  it('takes its name from its event, unless it has one', () => {
    expect(withInvoiceAudit.name).toBe('withInvoicePaymentAudit')
    expect(auditMixin({ event: 'login', method: 'post', name: 'withSsoAudit' }).name).toBe('withSsoAudit')
    expect(() => withInvoiceAudit(class {} as never)).toThrow(/^withInvoicePaymentAudit hooks/)
  })

  it('adds `throttled` unless told otherwise', () => {
    const quiet = auditMixin({ event: 'stock_check', method: 'pay', throttled: false })
    expect('throttled' in withInvoiceAudit(Invoices).prototype).toBe(true)
    expect('throttled' in quiet(Invoices).prototype).toBe(false)
  })

  it.each(['InvoicePayment', 'invoice.payment', 'invoice-payment', '', undefined, null])(
    'is refused when it is declared, with the event %j',
    (event) => expect(codeOf(() => auditMixin({ event: event as never, method: 'pay' }))).toBe('EVENT_NAME_INVALID'),
  )

  it.each([
    ['nothing', undefined, 'SETTING_INVALID'],
    ['an event by itself', 'login', 'SETTING_INVALID'],
    ['no method', { event: 'login' }, 'HANDLER_MISSING'],
    ['a method that has no name', { event: 'login', method: '' }, 'HANDLER_MISSING'],
  ])('is refused when it is declared with %s', (_, declaration, code) => {
    expect(codeOf(() => auditMixin(declaration as never))).toBe(code)
  })

  it.each(['settle', null, 0])('is refused when it is applied with %j for its options', (options) => {
    expect(codeOf(() => withInvoiceAudit(Invoices, options as never))).toBe('SETTING_INVALID')
    expect(() =>
      withLoginAudit(
        handling(async () => 1),
        'login' as never,
      ),
    ).toThrow(/withLoginAudit was given 'login' for its options\. Write: withLoginAudit\(Base, \{ method: 'post' \}\)/)
  })

  it('is refused when it is applied to a method that is no name', () => {
    expect(codeOf(() => withInvoiceAudit(Invoices, { method: 7 as never }))).toBe('HANDLER_MISSING')
  })
})

describe.each([
  ['withLoginAudit', withLoginAudit, 'login', true],
  ['withLogoutAudit', withLogoutAudit, 'logout', false],
  ['withSignupAudit', withSignupAudit, 'signup', true],
  ['withFailedResetAudit', withFailedResetAudit, 'password_reset_request', true],
  ['withEmailVerificationAudit', withEmailVerificationAudit, 'email_verification', false],
  ['withVerificationMailAudit', withVerificationMailAudit, 'email_verification_request', true],
  ['withPasswordResetAudit', withPasswordResetAudit, 'password_reset', false],
  ['withPasswordChangeAudit', withPasswordChangeAudit, 'password_change', false],
  ['withTwoFactorSetupAudit', withTwoFactorSetupAudit, 'two_factor_setup', false],
  ['withTwoFactorEnableAudit', withTwoFactorEnableAudit, 'two_factor_enable', false],
  ['withTwoFactorDisableAudit', withTwoFactorDisableAudit, 'two_factor_disable', false],
  ['withTwoFactorChallengeAudit', withTwoFactorChallengeAudit, 'two_factor_challenge', false],
  ['withBackupCodesAudit', withBackupCodesAudit, 'backup_codes_regenerate', false],
  ['withEmailChangeRequestAudit', withEmailChangeRequestAudit, 'email_change_request', false],
  ['withEmailChangeAudit', withEmailChangeAudit, 'email_change', false],
  ['withEmailChangeUndoAudit', withEmailChangeUndoAudit, 'email_change_undo', false],
  ['withFileUploadAudit', withFileUploadAudit, 'file_upload', false],
  ['withTokenRefreshAudit', withTokenRefreshAudit, 'token_refresh', false],
] as const)('%s', (name, mixin, event, takesEmail) => {
  it(`records ${event} of \`post\``, async () => {
    const recorded = recording()
    const controller = new (finished(mixin(handling(async () => 'done')), recorded))()
    expect(await controller.post('ignored', { email: 'Ada@example.org' })).toBe('done')
    expect(onlyRow(recorded)).toMatchObject({ event, outcome: 'success', methodName: 'post' })
    expect(onlyRow(recorded).attempted?.masked).toBe(takesEmail ? 'a***@e***.org' : undefined)
    expect(recorded.faults).toEqual([])
    expect(mixin.name).toBe(name)
  })

  it(`records ${event} that the host's own throttle denies`, async () => {
    const recorded = recording()
    const controller = new (finished(mixin(handling(async () => 'done')), recorded))()
    await controller.throttled({ scope: 'own', by: 'address', limit: 3, retryAfter: 7 })
    expect(onlyRow(recorded)).toMatchObject({ event, outcome: 'denied', reason: 'throttled', scope: 'own', limit: 3 })
  })
})

describe('withProfileUpdateAudit', () => {
  it('records profile_update of `patch`, and of another method where it is told so', async () => {
    const recorded = recording()
    class Profile {
      async patch(): Promise<string> {
        return 'patched'
      }
      async put(): Promise<string> {
        return 'put'
      }
    }
    const Both = withProfileUpdateAudit(withProfileUpdateAudit(Profile), { method: 'put' })
    const controller = new (finished(Both, recorded))()
    expect([await controller.patch(), await controller.put()]).toEqual(['patched', 'put'])
    expect(recorded.rows.map(({ event, methodName }) => [event, methodName])).toEqual([
      ['profile_update', 'patch'],
      ['profile_update', 'put'],
    ])
    expect(withProfileUpdateAudit.name).toBe('withProfileUpdateAudit')
  })
})

describe('the submitted e-mail', () => {
  it('is found behind arguments that have none', async () => {
    const recorded = recording()
    const controller = new (finished(withLoginAudit(handling(async () => 'in')), recorded))()
    await controller.post(null, undefined, 'text', {}, { email: 'ada@example.org' }, { email: 'eve@example.org' })
    expect(onlyRow(recorded).attempted?.masked).toBe('a***@e***.org')
    expect(onlyRow(recorded).attempted?.hash).toBe(recorded.trail.identifierHash('ada@example.org'))
  })

  it.each([
    [[]],
    [[null, undefined, 7, 'ada@example.org']],
    [[{ email: 7 }, { email: null }]],
    [[{ email: { $ne: null } }]],
    [[{ email: ['ada@example.org'] }]],
  ])('is none in %j', async (args) => {
    const recorded = recording()
    const controller = new (finished(withLoginAudit(handling(async () => 'in')), recorded))()
    await controller.post(...args)
    expect(onlyRow(recorded).attempted).toBeNull()
  })
})

it.each([
  ['withSessionRevokeAudit', 'session_revoke', 'delete'],
  ['withSessionRevokeAllAudit', 'session_revoke_all', 'deleteAll'],
] as const)('%s records %s of `%s`, beside the other one', async (_name, event, method) => {
  class Sessions {
    async delete(): Promise<string> {
      return 'one'
    }
    async deleteAll(): Promise<string> {
      return 'all'
    }
  }
  const recorded = recording()
  const controller = new (finished(withSessionRevokeAllAudit(withSessionRevokeAudit(Sessions)), recorded))()
  await controller[method]()
  expect(onlyRow(recorded)).toMatchObject({ event, outcome: 'success', methodName: method })
})
