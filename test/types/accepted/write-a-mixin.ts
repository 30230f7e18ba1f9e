import {
  AbstractSignalMixin,
  type AuditedController,
  type AuditMixin,
  auditMixin,
  type MixinBase,
} from '@countersign/mixins'

declare module '@countersign/core' {
  interface AuditEvents {
    invoice_payment: { invoiceId: string }
  }
}

export const withDeclaredInvoiceAudit = auditMixin({
  event: 'invoice_payment',
  method: 'pay',
  details: (invoiceId: string) => ({ invoiceId }),
})

export interface InvoiceHandlers {
  pay(...args: any[]): Promise<unknown>
}

export const withNamedInvoiceAudit: AuditMixin<InvoiceHandlers> = auditMixin({
  event: 'invoice_payment',
  method: 'pay',
  details: (invoiceId: string) => ({ invoiceId }),
  attempted: (_invoiceId: string, payer?: { email: string }) => payer?.email,
  subject: (invoiceId: string) => ({ type: 'invoice', id: invoiceId }),
  throttled: false,
  name: 'withNamedInvoiceAudit',
})

export function withInvoiceAudit<Base extends MixinBase<InvoiceHandlers>>(
  Base: Base,
): Base & MixinBase<AuditedController> {
  abstract class InvoiceAudited extends AbstractSignalMixin(Base) {
    override async pay(...args: any[]) {
      return this.audited('invoice_payment', { invoiceId: args[0] }, () => super.pay(...args))
    }
  }
  return InvoiceAudited
}

/** Says which event each method attempts, for attempts that never reach it. */
export function withRefusedInvoiceAudit<Base extends MixinBase<InvoiceHandlers>>(
  Base: Base,
): Base & MixinBase<AuditedController> {
  abstract class InvoiceAudited extends AbstractSignalMixin(Base, { pay: 'invoice_payment' }) {
    override async pay(...args: any[]) {
      const paid: unknown = await this.audited('invoice_payment', { invoiceId: args[0] }, () => super.pay(...args))
      return paid
    }
  }
  return InvoiceAudited
}

class Invoices {
  async pay(invoiceId: string): Promise<{ paid: string }> {
    return { paid: invoiceId }
  }
}

export class DeclaredController extends withDeclaredInvoiceAudit(Invoices) {
  static readonly className = 'DeclaredController'
  static readonly actor = () => null
}
export class NamedController extends withNamedInvoiceAudit(Invoices) {
  static readonly className = 'NamedController'
  static readonly actor = () => null
}
export class HandWrittenController extends withInvoiceAudit(Invoices) {
  static readonly className = 'HandWrittenController'
  static readonly actor = () => null
}
