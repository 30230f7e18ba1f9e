import { type AuditRow, type AuditSink, type FloodLedger, type FloodOptions, rowId } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { FloodBudget } from '../../packages/core/dist/flood-budget.js'
import { type MemoryLedger, memoryLedger } from './memory-ledger.js'

/** A denial as a trail makes it, of now. */
export function denial(changes: Partial<AuditRow> = {}): AuditRow {
  const throttled = { reason: 'throttled', scope: 'login', limit: 5, retryAfter: 9, status: 429 } as const
  const row = { id: rowId(), occurredAt: new Date(), outcome: 'denied', ...throttled } as const
  return Object.freeze(sampleRow({ ...row, requestId: `req-${row.id}`, ...changes }))
}

/** How many attempts these rows stand for. */
export function attemptsIn(rows: readonly AuditRow[]): number {
  return rows.reduce((sum, { repeatCount }) => sum + (repeatCount ?? 1), 0)
}

export interface FloodSystem {
  readonly budget: FloodBudget
  /** Rows that were brought by the budget itself, and that it told of. */
  readonly delivered: AuditRow[]
  readonly announced: AuditRow[]
  readonly faults: string[]
  /** Denies attempts as a trail does, and answers with what it stores at once. */
  deny(...rows: AuditRow[]): readonly AuditRow[]
}

/** A budget, as a trail makes one. */
export function floodSystem(options: FloodOptions, sink: AuditSink, ledger?: FloodLedger): FloodSystem {
  const delivered: AuditRow[] = []
  const announced: AuditRow[] = []
  const faults: string[] = []
  const budget = new FloodBudget(options, {
    ledger,
    deliver(rows) {
      delivered.push(...rows)
      void sink.write(rows)
    },
    announce: (rows) => void announced.push(...rows),
    report: (code) => void faults.push(code),
  })
  const deny = (...rows: AuditRow[]): readonly AuditRow[] => {
    const admitted = budget.admit(rows)
    void sink.write(admitted)
    return admitted
  }
  return { budget, delivered, announced, faults, deny }
}

/** A budget on a ledger in memory. */
export function memoryFloods(options: FloodOptions = {}): FloodSystem & { readonly ledger: MemoryLedger } {
  const ledger = memoryLedger()
  return { ...floodSystem(options, ledger.sink, ledger), ledger }
}
