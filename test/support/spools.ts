import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditError, AuditRow, AuditSpool } from '@countersign/core'
import { fileSpool } from '@countersign/core/spool'
import { sampleRow } from '@countersign/core/testing'

export function sampleRows(count: number): AuditRow[] {
  return Array.from({ length: count }, () => sampleRow())
}

export function idsOf(rows: readonly AuditRow[]): string[] {
  return rows.map(({ id }) => id)
}

/** Everything that waits, taken out in batches. */
export async function drained(spool: AuditSpool, limit = 100): Promise<AuditRow[]> {
  const found: AuditRow[] = []
  for (let batch = await spool.next(limit); batch; batch = await spool.next(limit)) {
    found.push(...batch.rows)
    await batch.done()
  }
  return found
}

/** The files of a spool that end as told, with their paths. */
export function filesOf(folder: string, ending = '.spool'): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(folder, name))
}

/** What a writer left that is gone: the path of its only segment. */
export async function leftBehind(folder: string, rows: readonly AuditRow[]): Promise<string> {
  const spool = fileSpool({ folder })
  await spool.append(rows)
  await spool.close()
  return filesOf(folder)[0] ?? ''
}

/** What is replayed of a folder, and what is reported of it. */
export async function replayed(folder: string): Promise<{ rows: AuditRow[]; faults: AuditError[] }> {
  const spool = fileSpool({ folder })
  const faults: AuditError[] = []
  spool.onFault?.((fault) => faults.push(fault))
  const rows = await drained(spool)
  await spool.close()
  return { rows, faults }
}
