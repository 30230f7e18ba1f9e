/** Counts what is under way, and tells when nothing is. */
export class UnderWay {
  #count = 0
  #waiters: Array<() => void> = []

  begun(): void {
    this.#count++
  }

  ended(): void {
    if (--this.#count > 0 || this.#waiters.length === 0) return
    for (const wake of this.#waiters.splice(0)) wake()
  }

  /** Resolves when nothing is. */
  async settled(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }
}
