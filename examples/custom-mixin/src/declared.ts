import { auditMixin } from '@countersign/mixins'
import './invoice-events.js'

/** A mixin as a declaration: which event, which method, what to take from the arguments. */
export const withDeclaredInvoiceAudit = auditMixin({
  event: 'invoice_payment',
  method: 'pay',
  details: (invoiceId: string) => ({ invoiceId }),
})
