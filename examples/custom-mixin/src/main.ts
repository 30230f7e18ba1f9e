import { createAuditTrail, memorySink } from '@countersign/core'
import { withInvoiceAudit } from './by-hand.js'
import { withDeclaredInvoiceAudit } from './declared.js'

const sink = memorySink()
const trail = createAuditTrail({ sink, events: { invoice_payment: { severity: 'medium' } } })
const clerk = () => ({ type: 'user', id: 'clerk-7' }) as const

class Invoices {
  async pay(invoiceId: string, amount: number) {
    if (amount < 0) throw new RangeError(`invoice ${invoiceId} can't be paid with less than nothing`)
    return { invoiceId, paid: amount }
  }
}

class DeclaredController extends withDeclaredInvoiceAudit(Invoices) {
  static readonly className = 'DeclaredController'
  static readonly actor = clerk
  static readonly trail = trail
}

class ByHandController extends withInvoiceAudit(Invoices) {
  static readonly className = 'ByHandController'
  static readonly actor = clerk
  static readonly trail = trail
}

for (const controller of [new DeclaredController(), new ByHandController()]) {
  await controller.pay('2026-1', 100)
  await controller.pay('2026-2', -1).catch(() => undefined)
}
await new ByHandController().pay('2026-3', 0)

for (const { className, event, outcome, reason, severity, actor, details } of sink.rows) {
  console.log(className, event, outcome, reason ?? '-', severity, actor.id, JSON.stringify(details))
}
