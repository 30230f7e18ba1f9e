import type { DegradationListener } from './degradation.js'

/** Whether the store answers, as the last write found it. */
export class StoreHealth {
  #away = false
  readonly #reaction: string
  #listener: DegradationListener | undefined

  /** @param reaction what is done while it is away, in snake_case */
  constructor(reaction: string) {
    this.#reaction = reaction
  }

  get away(): boolean {
    return this.#away
  }

  watch(listener: DegradationListener): void {
    this.#listener = listener
  }

  failed(cause: unknown): void {
    if (this.#away) return
    this.#away = true
    this.#listener?.({ degraded: true, component: 'store', reaction: this.#reaction, cause })
  }

  answered(): void {
    if (!this.#away) return
    this.#away = false
    this.#listener?.({ degraded: false, component: 'store', reaction: this.#reaction })
  }
}
