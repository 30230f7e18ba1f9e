import { AuditError } from './audit-error.js'
import type { AuditRow } from './row.js'
import type { AuditSink } from './sink.js'

/** Rows that a copy has not got, or not in time. */
export interface CopyFailure {
  readonly sink: AuditSink
  /** None where the copy could not be closed. */
  readonly rows: readonly AuditRow[]
  readonly cause: unknown
  /** False when nothing has succeeded since the last failure. */
  readonly isNews: boolean
}

/** What a {@link SinkCopy} needs to know. */
export interface SinkCopyOptions {
  /** Rows that may wait for this copy. */
  readonly maxWaiting: number
  /** Milliseconds that a write, and closing, may take. */
  readonly timeout: number
  readonly onFailed: (failure: CopyFailure) => void
}

/** A sink that nobody waits for: each write ends in time or is reported, and what waits is bounded. */
export class SinkCopy {
  readonly #sink: AuditSink
  readonly #options: SinkCopyOptions
  readonly #underWay = new Set<Promise<void>>()
  #waiting = 0
  #failing = false

  constructor(sink: AuditSink, options: SinkCopyOptions) {
    this.#sink = sink
    this.#options = options
  }

  /** Never throws, and answers nothing: how it went is reported. */
  take(rows: readonly AuditRow[]): void {
    if (this.#waiting + rows.length > this.#options.maxWaiting) {
      this.#fail(rows, new AuditError('SINK_OVERLOADED', `${this.#waiting} rows wait for this copy already.`))
      return
    }
    // A write that hangs counts among what waits until it ends, if ever.
    this.#waiting += rows.length
    const written = this.#reported(rows, async () => this.#sink.write(rows)).then(() => {
      this.#waiting -= rows.length
      this.#underWay.delete(written)
    })
    this.#underWay.add(written)
  }

  /** Waits for what is under way, as long as a write may take, and closes the sink. */
  async close(): Promise<void> {
    await atMost(this.#options.timeout, Promise.all(this.#underWay))
    await atMost(
      this.#options.timeout,
      this.#reported([], async () => this.#sink.close?.()),
    )
  }

  /** Resolves when the work has ended, however; reports it once when it fails or is late. */
  async #reported(rows: readonly AuditRow[], work: () => Promise<void>): Promise<void> {
    let said = false
    const fail = (cause: unknown): void => {
      if (!said) this.#fail(rows, cause)
      said = true
    }
    const { timeout } = this.#options
    const late = setTimeout(() => fail(new AuditError('COPY_FAILED', `No answer within ${timeout} ms.`)), timeout)
    late.unref()
    await work().then(() => {
      this.#failing = false
    }, fail)
    clearTimeout(late)
  }

  #fail(rows: readonly AuditRow[], cause: unknown): void {
    const isNews = !this.#failing
    this.#failing = true
    this.#options.onFailed({ sink: this.#sink, rows, cause, isNews })
  }
}

async function atMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}
