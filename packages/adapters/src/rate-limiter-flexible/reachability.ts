/** How long a store is waited for, and how it is told that it is away. */
export interface ReachabilityOptions {
  /** Milliseconds that an answer may take. */
  readonly patience: number
  /** Milliseconds that it is not asked after it failed. */
  readonly pause: number
  /** Told of the first failure, and of the first answer after it (null). */
  readonly onChange: (outage: Outage | null) => void
}

/** Why a store is away. */
export interface Outage {
  readonly cause: unknown
}

/**
 * Asks a store that may be away: waits a bounded time, lets it alone for a while after it failed,
 * then asks it once, and as usual again when it answers.
 */
export class Reachability {
  readonly #options: ReachabilityOptions
  #outage: (Outage & { askAgainAt: number }) | null = null
  #outages = 0
  #probing = false

  constructor(options: ReachabilityOptions) {
    this.#options = options
  }

  get outage(): Outage | null {
    return this.#outage
  }

  /** Resolves with the answer; rejects with what the store failed with, soon. */
  async ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    if (this.#outage) return this.#probe(this.#outage, question)
    const before = this.#outages
    try {
      return await this.#inTime(question)
    } catch (cause) {
      // Asked before an outage that has been noticed since, it says nothing new.
      if (before === this.#outages) this.#begin(cause)
      throw cause
    }
  }

  async #probe<Answer>(outage: Outage & { askAgainAt: number }, question: () => Promise<Answer>): Promise<Answer> {
    if (this.#probing || performance.now() < outage.askAgainAt) throw outage.cause
    this.#probing = true
    let answer: Answer
    try {
      answer = await this.#inTime(question)
    } catch (cause) {
      outage.askAgainAt = performance.now() + this.#options.pause
      throw cause
    } finally {
      this.#probing = false
    }
    this.#outage = null
    this.#options.onChange(null)
    return answer
  }

  #begin(cause: unknown): void {
    this.#outages++
    this.#outage = { cause, askAgainAt: performance.now() + this.#options.pause }
    this.#options.onChange(this.#outage)
  }

  async #inTime<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      // After a busy moment of this process the answer may be here, and not looked at yet.
      const giveUp = (): unknown => setImmediate(reject, tooLate(this.#options.patience))
      timer = setTimeout(giveUp, this.#options.patience).unref()
    })
    try {
      return await Promise.race([question(), late])
    } finally {
      clearTimeout(timer)
    }
  }
}

function tooLate(patience: number): Error {
  return Object.assign(new Error(`No answer within ${patience} ms.`), { code: 'TIMEOUT' })
}
