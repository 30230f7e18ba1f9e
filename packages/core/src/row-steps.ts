import { refuseLater } from './answers-later.js'
import { freezeRow } from './freeze-row.js'
import type { AuditRow } from './row.js'
import { sealRow } from './seal-row.js'
import type { AuditTrailOptions, TransformedRow } from './trail-options.js'

/** What a user may do to a row before it is written: change it, and leave it out. */
export class RowSteps {
  vetoed = 0
  readonly #options: Pick<AuditTrailOptions, 'transform' | 'veto'>
  readonly #onFault: (step: string, cause: unknown) => void

  constructor(options: Pick<AuditTrailOptions, 'transform' | 'veto'>, onFault: (step: string, cause: unknown) => void) {
    this.#options = options
    this.#onFault = onFault
  }

  /** The row as it goes on, frozen; null when it was vetoed. */
  passed(made: AuditRow): AuditRow | null {
    const { transform, veto } = this.#options
    const row = transform ? this.#transformed(made, transform) : made
    freezeRow(row)
    if (!veto || !this.#vetoed(row, veto)) return row
    this.vetoed++
    return null
  }

  #transformed(row: AuditRow, transform: (row: AuditRow) => TransformedRow): AuditRow {
    try {
      const changed = transform(structuredClone(row))
      refuseLater(changed)
      return sealRow(row, { ...row, ...changed } as AuditRow)
    } catch (cause) {
      this.#onFault('the transform', cause)
      // It may have been there to take something out: the details stay behind, the fact does not.
      return { ...row, details: {} }
    }
  }

  #vetoed(row: AuditRow, veto: (row: AuditRow) => boolean): boolean {
    try {
      const answer: unknown = veto(row)
      refuseLater(answer)
      return answer === true
    } catch (cause) {
      this.#onFault('the veto', cause)
      return false
    }
  }
}
