import { type AuditSpool, createAuditTrail, memorySink } from '@countersign/core'
import { expect, it } from 'vitest'

it('a trail that lost a row while store and spool were away finds by itself that they are back, and reports the loss', async () => {
  const stored = memorySink()
  let broken = true
  const fails = async (): Promise<void> => {
    if (broken) throw new Error('away')
  }
  const spool: AuditSpool = {
    name: 'broken',
    size: { rows: 0, bytes: 0 },
    append: fails,
    next: async () => null,
    setAside: fails,
    close: async () => undefined,
  }
  const sink = { name: 'broken', write: (rows: never) => fails().then(() => stored.write(rows)) }
  const trail = createAuditTrail({ sink, spool })
  trail.signals.on('fault', () => undefined)
  await trail.record('logout')
  broken = false
  await expect.poll(() => trail.health.reachable, { timeout: 15_000 }).toBe(true)
  await expect.poll(() => stored.rows.map(({ event }) => event)).toContain('audit_loss')
})
