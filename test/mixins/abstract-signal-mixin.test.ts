import '../support/events.js'
import { AuditedCall, currentAttempt, type EventName, runInFlow, type Throttling } from '@countersign/core'
import {
  AbstractSignalMixin,
  type AnyClass,
  AuditEvent,
  type AuditedController,
  factsOfClass,
  type MixinBase,
} from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { finished, Refusal, served } from '../support/controllers.js'
import { codeOf, onlyRow, recording, summary, thrownBy } from '../support/recording.js'

interface InvoiceHandlers {
  pay(...args: any[]): Promise<unknown>
}

function withInvoiceAudit<Base extends MixinBase<InvoiceHandlers>>(Base: Base): Base & MixinBase<AuditedController> {
  abstract class InvoiceAudited extends AbstractSignalMixin(Base, { pay: 'invoice_payment' }) {
    override async pay(...args: any[]): Promise<unknown> {
      return this.audited('invoice_payment', { invoiceId: String(args[0]) }, () => super.pay(...args))
    }
  }
  return InvoiceAudited
}

class Invoices {
  async pay(invoiceId: string): Promise<unknown> {
    if (invoiceId === 'unknown') throw new Refusal(404, 'no_such_invoice')
    currentAttempt('invoice_payment').subject({ type: 'invoice', id: invoiceId })
    return Object.freeze({ paid: invoiceId })
  }
}

describe('a hand-written mixin', () => {
  it('leaves one row with the details that it gave', async () => {
    const recorded = recording()
    const controller = new (finished(withInvoiceAudit(Invoices), recorded))()
    expect(await controller.pay('i-1')).toEqual({ paid: 'i-1' })
    expect(onlyRow(recorded)).toMatchObject({
      event: 'invoice_payment',
      outcome: 'success',
      className: 'Finished',
      subject: { type: 'invoice', id: 'i-1' },
      details: { invoiceId: 'i-1' },
    })
  })

  it('bears the name of the method that it said it audits', async () => {
    const recorded = recording()
    await new (finished(withInvoiceAudit(Invoices), recorded))().pay('i-1')
    expect(onlyRow(recorded).methodName).toBe('pay')
  })

  it('passes the error on as it is, and classifies by it', async () => {
    const recorded = recording()
    const controller = new (finished(withInvoiceAudit(Invoices), recorded))()
    expect(await thrownBy(() => controller.pay('unknown'))).toMatchObject({ httpCode: 404 })
    expect(onlyRow(recorded)).toMatchObject({ outcome: 'failure', reason: 'no_such_invoice', status: 404 })
  })

  it('classifies by what the audited part returns', async () => {
    const recorded = recording()
    class Refusing {
      async pay(_invoiceId: string): Promise<unknown> {
        return { status: 422 }
      }
    }
    await new (finished(withInvoiceAudit(Refusing), recorded))().pay('i-1')
    expect(onlyRow(recorded)).toMatchObject({ outcome: 'failure', reason: 'unprocessable', status: 422 })
  })

  it('leaves a row of its own for another object of the class, which ends when that is done', async () => {
    const recorded = recording()
    class Shop extends AbstractSignalMixin(Invoices) {
      supplier: Shop | undefined
      async order(): Promise<unknown> {
        return this.audited('stock_check', { sku: 'a' }, async () => {
          if (!this.supplier) return 'in stock'
          await this.supplier.order()
          throw new Refusal(409, 'sold_out')
        })
      }
    }
    const Controller = finished(Shop, recorded)
    const [shop, supplier] = [new Controller(), new Controller()]
    shop.supplier = supplier
    expect(await thrownBy(() => shop.order())).toMatchObject({ httpCode: 409 })
    expect(summary(recorded)).toEqual(['stock_check failure', 'stock_check success'])
  })

  it('closes with the response inside of a call that an adapter opened', async () => {
    const recorded = recording()
    const controller = new (finished(withInvoiceAudit(Invoices), recorded))()
    await served(controller, 'pay', ['i-1'], recorded, { status: 409 })
    expect(onlyRow(recorded)).toMatchObject({ outcome: 'failure', reason: 'conflict', details: { invoiceId: 'i-1' } })
  })

  it('leaves its row where an adapter refused before the method ran', async () => {
    const recorded = recording()
    const controller = new (finished(withInvoiceAudit(Invoices), recorded))()
    await served(controller, 'pay', ['i-1'], recorded, { status: 401, reached: false })
    expect(onlyRow(recorded)).toMatchObject({ event: 'invoice_payment', outcome: 'denied', reason: 'unauthenticated' })
  })

  it('remembers what the audited part threw, though the method hides it', async () => {
    const recorded = recording()
    class Shop extends AbstractSignalMixin(Invoices) {
      async order(): Promise<unknown> {
        await this.audited('invoice_payment', { invoiceId: 'x' }, () => super.pay('unknown')).catch(() => undefined)
        return 'ordered'
      }
    }
    const controller = new (finished(Shop, recorded))()
    expect(await controller.order()).toBe('ordered')
    expect(summary(recorded)).toEqual(['invoice_payment failure'])
  })

  it('remembers that the audited part threw nothing, too', async () => {
    const recorded = recording()
    class Shop extends AbstractSignalMixin(Invoices) {
      async order(): Promise<unknown> {
        const nothing = (): Promise<never> => Promise.reject(undefined)
        return this.audited('invoice_payment', { invoiceId: 'x' }, nothing).catch(() => 'ordered')
      }
    }
    await served(new (finished(Shop, recorded))(), 'order', [], recorded, { status: 200 })
    expect(onlyRow(recorded)).toMatchObject({ outcome: 'failure', status: 200 })
  })

  it('adds its details to those that a guard gave', async () => {
    const recorded = recording()
    const controller = new (finished(withInvoiceAudit(Invoices), recorded))()
    const facts = factsOfClass(controller.constructor as AnyClass, controller)
    const call = new AuditedCall(recorded.trail, {}, facts, 'pay', undefined, true)
    call.open('invoice_payment').details = { invoiceId: 'of the guard', guard: 'staff' }
    await runInFlow({ context: {}, trail: recorded.trail, call }, () => controller.pay('i-1'))
    await call.close({ status: 200 })
    expect(onlyRow(recorded).details).toEqual({ invoiceId: 'i-1', guard: 'staff' })
  })

  it('leaves a row each for several attempts in one method', async () => {
    const recorded = recording()
    class Shop extends AbstractSignalMixin(Invoices) {
      async order(): Promise<unknown> {
        await this.audited('stock_check', { sku: 'a' }, async () => 1)
        await this.audited('stock_check', { sku: 'b' }, async () => 2)
        return this.audited('invoice_payment', { invoiceId: 'i-1' }, () =>
          this.audited('stock_check', { sku: 'c' }, async () => 3),
        )
      }
    }
    expect(await new (finished(Shop, recorded))().order()).toBe(3)
    const skus = recorded.rows.filter(({ event }) => event === 'stock_check').map(({ details }) => details)
    expect(skus).toEqual([{ sku: 'a' }, { sku: 'b' }, { sku: 'c' }])
    expect(recorded.rows).toHaveLength(4)
  })

  it('leaves a row each for two attempts at one event inside of another', async () => {
    const recorded = recording()
    class Shop extends AbstractSignalMixin(Invoices) {
      async order(): Promise<unknown> {
        return this.audited('invoice_payment', { invoiceId: 'i-1' }, async () => {
          await this.audited('stock_check', { sku: 'a' }, async () => 1)
          return this.audited('stock_check', { sku: 'b' }, async () => 2)
        })
      }
    }
    await new (finished(Shop, recorded))().order()
    expect(recorded.rows.map(({ details }) => details)).toEqual([{ invoiceId: 'i-1' }, { sku: 'a' }, { sku: 'b' }])
  })

  it('bears the method that it said for the event, whatever else is audited for it', async () => {
    const recorded = recording()
    class Stock extends Invoices {
      async check(): Promise<string> {
        return 'in stock'
      }
    }
    abstract class Checked extends AbstractSignalMixin(Stock, { pay: 'invoice_payment', check: 'stock_check' }) {
      override async check(): Promise<string> {
        return this.audited('stock_check', {}, () => super.check())
      }
    }
    class Shop extends finished(Checked, recorded) {
      static readonly className = 'Shop'
      @AuditEvent('stock_check')
      async settle(): Promise<void> {}
    }
    await new Shop().check()
    expect(onlyRow(recorded)).toMatchObject({ event: 'stock_check', methodName: 'check' })
  })

  it('hooks `throttled` too, and hands on to that of its base', async () => {
    const recorded = recording()
    class Shaping extends Invoices {
      async throttled({ retryAfter }: Throttling): Promise<string> {
        return `wait ${retryAfter}`
      }
    }
    const controller = new (finished(withInvoiceAudit(Shaping), recorded))()
    const hit = { scope: 'pay', by: 'address', limit: 1, retryAfter: 17 } as const
    expect(await controller.throttled(hit)).toBe('wait 17')
    expect(onlyRow(recorded)).toMatchObject({ event: 'invoice_payment', outcome: 'denied', scope: 'pay' })
  })

  it('keeps the constructor parameters of its base', () => {
    class Injected {
      constructor(readonly store: string) {}
      async pay(): Promise<void> {}
    }
    const Leaf = finished(withInvoiceAudit(Injected), recording())
    expect(new Leaf('store').store).toBe('store')
  })

  it.each(['InvoicePayment', 'invoice.payment', ''])('refuses the event %j when it is attempted', async (event) => {
    class Shop extends AbstractSignalMixin(Invoices) {
      async order(): Promise<unknown> {
        return this.audited(event as EventName, {}, async () => 1)
      }
    }
    const controller = new (finished(Shop, recording()))()
    expect(await thrownBy(() => controller.order())).toMatchObject({ code: 'EVENT_NAME_INVALID' })
  })

  it('refuses an event that is none when it says what it audits', () => {
    expect(codeOf(() => AbstractSignalMixin(Invoices, { pay: 'Invoice.Payment' as EventName }))).toBe(
      'EVENT_NAME_INVALID',
    )
  })
})
