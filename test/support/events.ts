/** Events and reasons of the tests' own, as an application would declare them. */
declare module '@countersign/core' {
  interface AuditEvents {
    invoice_payment: { invoiceId: string }
    stock_check: { sku?: string }
  }
  interface AuditReasons {
    both: true
    disk_full: true
    from_a_subscriber: true
    from_handler: true
    inner: true
    locked_out: true
    nowhere: true
    of_the_job: true
    one: true
    outer: true
    too_many_codes: true
    unknown_address: true
    why: true
    x: true
  }
}

export {}
