import type { AuditRow, AuditSpool } from '@countersign/core'

/** A spool that needs no disk, so that a test can hold the clock; what it is given first it holds from the beginning. */
export interface MemorySpool extends AuditSpool {
  readonly rows: readonly AuditRow[]
  readonly aside: readonly AuditRow[]
}

export function memorySpool(first: readonly AuditRow[] = [], broken: Partial<AuditSpool> = {}): MemorySpool {
  const rows = [...first]
  const aside: AuditRow[] = []
  return {
    name: 'memory',
    rows,
    aside,
    get size() {
      return { rows: rows.length, bytes: rows.length * 400 }
    },
    async append(more) {
      rows.push(...more)
    },
    async next(limit) {
      if (rows.length === 0) return null
      const batch = rows.slice(0, limit)
      return { rows: batch, done: async () => void rows.splice(0, batch.length) }
    },
    async setAside(row) {
      aside.push(row)
    },
    close: async () => undefined,
    ...broken,
  }
}
