import { AbstractSignalMixin, type AuditedController, type MixinBase } from '@countersign/mixins'
import './invoice-events.js'

/** What {@link withInvoiceAudit} hooks. */
export interface InvoiceHandlers {
  pay(...args: any[]): Promise<unknown>
}

/** A mixin by hand, for what a declaration can't say: here only payments above nothing are attempts. */
export function withInvoiceAudit<Base extends MixinBase<InvoiceHandlers>>(
  Base: Base,
): Base & MixinBase<AuditedController> {
  abstract class InvoiceAudited extends AbstractSignalMixin(Base) {
    override async pay(...args: any[]): Promise<unknown> {
      const [invoiceId, amount] = args
      if (amount === 0) return super.pay(...args)
      return this.audited('invoice_payment', { invoiceId }, () => super.pay(...args))
    }
  }
  return InvoiceAudited
}
