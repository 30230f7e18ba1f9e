import {
  type AuditError,
  type AuditRow,
  type AuditSink,
  type AuditTrail,
  type AuditTrailOptions,
  createAuditTrail,
} from '@countersign/core'

/** A trail, what it stored and what it reported: both lists grow as it does. */
export interface Recording {
  readonly trail: AuditTrail
  readonly rows: readonly AuditRow[]
  readonly faults: readonly AuditError[]
}

export function recording(options: Partial<AuditTrailOptions> = {}): Recording {
  const rows: AuditRow[] = []
  const faults: AuditError[] = []
  const sink: AuditSink = {
    name: 'recording',
    async write(batch) {
      rows.push(...batch)
    },
  }
  const trail = createAuditTrail({ sink, ...options })
  trail.signals.on('fault', ({ error }) => faults.push(error))
  return { trail, rows, faults }
}

/** A sink that takes its time, and then has the rows. */
export function slowSink(stored: (rows: readonly AuditRow[]) => void): AuditSink {
  return {
    name: 'slow',
    async write(rows) {
      await sleep(100)
      stored(rows)
    },
  }
}

/** The only row of a recording; fails when there is none, or more than one. */
export function onlyRow({ rows }: Pick<Recording, 'rows'>): AuditRow {
  const [row] = rows
  if (!row || rows.length !== 1) throw new Error(`expected one row, got ${rows.length}: ${JSON.stringify(rows)}`)
  return row
}

/** `event outcome` of every row, in the order of the events' names: stacking must not decide it. */
export function summary({ rows }: Pick<Recording, 'rows'>): string[] {
  return rows.map(({ event, outcome }) => `${event} ${outcome}`).sort()
}

/** What an action threw or rejected with; fails when it did neither. */
export async function thrownBy(action: () => unknown): Promise<unknown> {
  try {
    await action()
  } catch (error) {
    return error
  }
  throw new Error('expected an error, and nothing was thrown')
}

/** The code of what a synchronous action threw, or what else it threw; null when it threw nothing. */
export function codeOf(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return (error as AuditError).code ?? error
  }
  return null
}

/** The warnings that the process gave during an action, as code and message. */
export async function warningsDuring(action: () => unknown): Promise<Array<{ code: unknown; message: string }>> {
  const warnings: Array<{ code: unknown; message: string }> = []
  const note = (warning: Error): void => {
    warnings.push({ code: (warning as { code?: unknown }).code, message: warning.message })
  }
  process.on('warning', note)
  try {
    await action()
    // Warnings are emitted a tick later.
    await nextTurn()
  } finally {
    process.off('warning', note)
  }
  return warnings
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
