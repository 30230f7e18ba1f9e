import { AuditError } from './audit-error.js'

interface Waiting {
  readonly due: number
  readonly onFailure: (cause: unknown) => void
  ended: boolean
}

/**
 * Waits for a store, but not for ever. What it gave up on may still arrive. One timer serves all,
 * because a timer for each attempt would cost more than the attempt.
 */
export class Patience {
  readonly #milliseconds: number
  #waiting: Waiting[] = []
  #first = 0
  #timer: NodeJS.Timeout | undefined

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds
  }

  /** Settles as the work does, or rejects with `STORE_SILENT` when it takes too long. */
  for(work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => this.watch(work, resolve, reject))
  }

  /** Waits for work to end, and goes on without it when it takes too long. */
  async atMost(work: () => Promise<unknown>, onSilence: (silence: AuditError) => void): Promise<void> {
    try {
      await this.for(work().then(() => undefined))
    } catch (cause) {
      if (!(cause instanceof AuditError && cause.code === 'STORE_SILENT')) throw cause
      onSilence(cause)
    }
  }

  /** The same, without a promise. Only one of the two is called, once. */
  watch(work: Promise<void>, onEnd: () => void, onFailure: (cause: unknown) => void): void {
    const waiting: Waiting = { due: performance.now() + this.#milliseconds, onFailure, ended: false }
    // Somebody else's code may answer with no promise.
    const promise = Promise.resolve(work)
    this.#add(waiting)
    promise.then(
      () => {
        if (waiting.ended) return
        waiting.ended = true
        onEnd()
      },
      (cause) => {
        if (waiting.ended) return
        waiting.ended = true
        onFailure(cause)
      },
    )
  }

  #add(waiting: Waiting): void {
    // What has ended leaves from the front: writes end about in the order in which they began.
    while (this.#first < this.#waiting.length && this.#waiting[this.#first]?.ended) this.#first++
    if (this.#first === this.#waiting.length) {
      this.#waiting.length = 0
      this.#first = 0
    } else if (this.#first > 1000) {
      this.#waiting = this.#waiting.slice(this.#first)
      this.#first = 0
    }
    this.#waiting.push(waiting)
    if (!this.#timer) this.#watch(this.#milliseconds)
  }

  #watch(milliseconds: number): void {
    this.#timer = setTimeout(() => this.#look(), Math.max(1, milliseconds))
    this.#timer.unref()
  }

  #look(): void {
    this.#timer = undefined
    const now = performance.now()
    const left = this.#waiting.slice(this.#first).filter(({ ended }) => !ended)
    this.#waiting = left.filter(({ due }) => due > now)
    this.#first = 0
    const next = this.#waiting[0]
    if (next) this.#watch(next.due - now)
    for (const waiting of left) if (waiting.due <= now) this.#giveUp(waiting)
  }

  #giveUp(waiting: Waiting): void {
    waiting.ended = true
    waiting.onFailure(new AuditError('STORE_SILENT', `No answer within ${this.#milliseconds} ms.`))
  }
}
