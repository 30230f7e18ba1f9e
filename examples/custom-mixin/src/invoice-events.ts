declare module '@countersign/core' {
  interface AuditEvents {
    invoice_payment: { invoiceId: string }
  }
}

export {}
