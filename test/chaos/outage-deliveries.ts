import type { AuditMetrics, AuditRow, AuditSink } from '@countersign/core'

/** A value as the database gives it. */
export type Column = string | number | null

/** A write that the store was asked for. */
export interface WatchedWrite {
  readonly ids: readonly string[]
  /** False where its rows come from the spool. */
  readonly isDirect: boolean
  state: 'under way' | 'stored' | 'failed'
}

/** Where rows went, in the order in which they did. */
export class Deliveries implements AuditMetrics {
  readonly writes: WatchedWrite[] = []
  readonly #spooled = new Set<string>()

  /** Ids of rows in the order in which the spool took them. */
  get spooled(): readonly string[] {
    return [...this.#spooled]
  }

  /** Writes of rows that were not in the spool. */
  get direct(): readonly WatchedWrite[] {
    return this.writes.filter(({ isDirect }) => isDirect)
  }

  /** Rows of the spool in the order in which the store took them. */
  get replayed(): readonly string[] {
    return this.writes.filter(({ isDirect, state }) => !isDirect && state === 'stored').flatMap(({ ids }) => ids)
  }

  stored({ id }: AuditRow, where: 'store' | 'spool'): void {
    if (where === 'spool') this.#spooled.add(id)
  }

  lost(): void {}

  batch(): void {}

  gauges(): void {}

  watched(sink: AuditSink): AuditSink {
    return Object.create(sink, {
      write: {
        value: async (rows: readonly AuditRow[]): Promise<void> => {
          const ids = rows.map(({ id }) => id)
          const write: WatchedWrite = { ids, isDirect: !ids.every((id) => this.#spooled.has(id)), state: 'under way' }
          this.writes.push(write)
          try {
            await sink.write(rows)
            write.state = 'stored'
          } catch (cause) {
            write.state = 'failed'
            throw cause
          }
        },
      },
    }) as AuditSink
  }
}
