import { AuditError, type AuditRow, type AuditSink, type AuditSpool, createAuditTrail } from '@countersign/core'
import { describe, expect, it } from 'vitest'

/** A trail whose store does as it is told, and which has no spool. */
function losing(write: (rows: readonly AuditRow[], stored: AuditRow[]) => Promise<void>, spool?: AuditSpool) {
  const stored: AuditRow[] = []
  const heard: string[] = []
  const sink: AuditSink = { name: 'losing', write: (rows) => write(rows, stored) }
  const trail = createAuditTrail({ sink, ...(spool ? { spool } : {}) })
  trail.signals.on('fault', () => undefined)
  trail.signals.on('*', ({ row }) => heard.push(row.event))
  const reports = () => stored.filter(({ event }) => event === 'audit_loss')
  return { trail, stored, heard, reports }
}

const isReport = (rows: readonly AuditRow[]) => rows[0]?.event === 'audit_loss'
const away = new Error('away')

describe('the report of a loss', () => {
  it('asks the store by itself where nothing else asks it, and makes the trail reachable again', async () => {
    let broken = true
    const fails = async (): Promise<void> => {
      if (broken) throw away
    }
    const spool: AuditSpool = {
      name: 'broken',
      size: { rows: 0, bytes: 0 },
      append: fails,
      next: async () => null,
      setAside: fails,
      close: async () => undefined,
    }
    const { trail, reports } = losing(async (rows, stored) => {
      await fails()
      stored.push(...rows)
    }, spool)
    await trail.record('logout')
    broken = false
    await expect.poll(() => trail.health.reachable, { timeout: 15_000 }).toBe(true)
    await expect.poll(reports).toHaveLength(1)
    await trail.close()
  })

  it('is one row for all of them, announced when it is stored', async () => {
    const { trail, reports, heard } = losing(async (rows, stored) => {
      if (!isReport(rows)) throw away
      stored.push(...rows)
    })
    await trail.record('login')
    await trail.record('login')
    await trail.close()
    expect(reports()).toMatchObject([{ details: { rows: 2 } }])
    expect(heard).toEqual(['audit_loss'])
  })

  it('is there once where its answer was lost and it is told again', async () => {
    let asked = 0
    const { trail, reports } = losing(async (rows, stored) => {
      if (!isReport(rows)) throw away
      for (const row of rows) if (!stored.some(({ id }) => id === row.id)) stored.push(row)
      if (++asked === 1) throw away
    })
    await trail.record('login')
    await expect.poll(() => asked, { timeout: 15_000 }).toBeGreaterThan(1)
    await trail.close()
    expect(reports()).toMatchObject([{ details: { rows: 1 } }])
  })

  it('is told once where the trail is closed while it is being told', async () => {
    let store: (() => void) | undefined
    const { trail, reports } = losing(async (rows, stored) => {
      if (!isReport(rows)) throw away
      await new Promise<void>((resolve) => {
        store = resolve
      })
      stored.push(...rows)
    })
    await trail.record('login')
    await expect.poll(() => store, { timeout: 15_000 }).toBeDefined()
    const closed = trail.close()
    store?.()
    await closed
    expect(reports()).toHaveLength(1)
  })

  it('is not announced, nor tried again, where the store will never take it', async () => {
    let asked = 0
    const { trail, heard } = losing(async (rows) => {
      if (!isReport(rows)) throw away
      asked++
      throw new AuditError('ROW_REFUSED', 'A rule of the table refuses it.')
    })
    await trail.record('login')
    await expect.poll(() => asked, { timeout: 15_000 }).toBe(1)
    await trail.close()
    expect([asked, heard]).toEqual([1, []])
  })
})
