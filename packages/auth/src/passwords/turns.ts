// More gain little, and would wait longer.
const company = 4
// Milliseconds: about as long as a few passwords' hashes take.
const companyWithin = 40

/**
 * Lets no more than so many pieces of work be done at the same time; the others wait in order. While there are such,
 * results are handed on together: work like this leaves nothing of the rest of the program in the processors' caches,
 * and going on with three results then costs little more than going on with one.
 */
export class Turns {
  readonly #company: number
  readonly #waiting: Array<() => void> = []
  readonly #done: Array<() => void> = []
  #free: number
  #late: NodeJS.Timeout | undefined

  constructor(atOnce: number) {
    this.#company = Math.min(atOnce, company)
    this.#free = atOnce
  }

  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) {
        next()
        await this.#handedOn()
      } else {
        this.#free++
        this.#handOn()
      }
    }
  }

  #handedOn(): Promise<void> {
    return new Promise((resolve) => {
      this.#done.push(resolve)
      if (this.#done.length >= this.#company) this.#handOn()
      else this.#late ??= setTimeout(() => this.#handOn(), companyWithin)
    })
  }

  #handOn(): void {
    clearTimeout(this.#late)
    this.#late = undefined
    for (const handOn of this.#done.splice(0)) handOn()
  }
}
