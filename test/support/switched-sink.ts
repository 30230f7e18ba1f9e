import { AuditError, type AuditRow, type AuditSink, type MemorySink, memorySink } from '@countersign/core'

/** A store that can be switched off. */
export interface SwitchedSink extends AuditSink {
  readonly stored: MemorySink
  /** How often it was asked to write. */
  readonly asked: number
  /** `up`: takes rows. `down`: rejects. `silent`: answers when it is up again. `picky`: refuses failures for ever. */
  state: 'up' | 'down' | 'silent' | 'picky'
}

export function switchedSink(): SwitchedSink {
  const stored = memorySink()
  let asked = 0
  let state: SwitchedSink['state'] = 'up'
  let hanging: Array<() => void> = []
  async function write(rows: readonly AuditRow[]): Promise<void> {
    asked++
    if (state === 'silent') await new Promise<void>((resolve) => hanging.push(resolve))
    if (state === 'down') throw Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' })
    if (state === 'picky' && rows.some(({ outcome }) => outcome === 'failure'))
      throw new AuditError('ROW_REFUSED', 'A rule of the table refuses it.')
    await stored.write(rows)
  }
  return {
    name: 'switched',
    stored,
    get asked() {
      return asked
    },
    get state() {
      return state
    },
    set state(next) {
      state = next
      if (next !== 'silent') for (const answer of hanging.splice(0)) answer()
      hanging = []
    },
    write,
  }
}
