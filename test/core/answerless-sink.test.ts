import { setTimeout } from 'node:timers/promises'
import { type AuditRow, createAuditTrail } from '@countersign/core'
import { expect, it } from 'vitest'

it('a sink whose write gives no promise has the row when it returns, and no loss is told later', async () => {
  const rows: AuditRow[] = []
  const write = (written: readonly AuditRow[]) => void rows.push(...written)
  const trail = createAuditTrail({ sink: { name: 'answerless', write: write as never }, patience: 20 })
  const told: string[] = []
  trail.signals.on('loss', () => told.push('loss'))
  trail.signals.on('fault', ({ error }) => told.push(error.code))
  await trail.record('login')
  expect(rows).toHaveLength(1)
  await setTimeout(60)
  expect(told).toEqual([])
  expect(trail.counts).toEqual({ recorded: 1, vetoed: 0, lost: 0 })
  await trail.close()
})
