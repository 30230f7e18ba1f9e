/** Events of the tests' own, as an application would declare them. */
declare module '@countersign/core' {
  interface AuditEvents {
    invoice_payment: { invoiceId: string }
    stock_check: { sku?: string }
  }
}

export {}
