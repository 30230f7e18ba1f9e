import type { DegradationListener } from './degradation.js'

/** Whether the store answers, as the last write found it. */
export class StoreHealth {
  #away = false
  #silent = false
  #outages = 0
  readonly #reaction: string
  #listener: DegradationListener | undefined

  /** @param reaction what is done while it is away, in snake_case */
  constructor(reaction: string) {
    this.#reaction = reaction
  }

  get away(): boolean {
    return this.#away
  }

  /** Whether it failed the last time that it was asked: one that answers may be away still, while it catches up. */
  get silent(): boolean {
    return this.#silent
  }

  /** How many began so far: what a write that begins now finds. */
  get outages(): number {
    return this.#outages
  }

  watch(listener: DegradationListener): void {
    this.#listener = listener
  }

  failed(cause: unknown): void {
    this.#silent = true
    if (this.#away) return
    this.#away = true
    this.#outages++
    this.#listener?.({ degraded: true, component: 'store', reaction: this.#reaction, cause })
  }

  /** It took what it was given; whether it has caught up is another matter. */
  heard(): void {
    this.#silent = false
  }

  /** @param outages how many had begun when the write did: one that is older than an outage does not end it */
  answered(outages: number): void {
    if (!this.#away || outages !== this.#outages) return
    this.#away = false
    this.#silent = false
    this.#listener?.({ degraded: false, component: 'store', reaction: this.#reaction })
  }
}
