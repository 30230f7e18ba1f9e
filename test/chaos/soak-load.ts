import { setTimeout as delay } from 'node:timers/promises'
import { type Attempt, Clients, paths } from './server-load.ts'

/** What was answered since the last look. */
export interface Interval {
  readonly inFlight: number
  readonly answered: number
  /** Answers from 500: what could not be recorded with its change. */
  readonly refused: number
  /** Milliseconds that 99 of 100 answers took at most. */
  readonly slow: number
}

const tick = 10

/** As much as a server takes, and then a rate that does not wait for it. */
export class SoakLoad {
  readonly #url: string
  readonly #connections: number
  readonly #clients: Clients
  readonly #attempts: Attempt[] = []
  #sent = 0
  #times: number[] = []
  #refused = 0
  #began = 0

  constructor(url: string, connections: number) {
    this.#url = url
    this.#connections = connections
    this.#clients = new Clients(connections)
  }

  /** Requests in a second, where each connection sends the next when it was answered. */
  async most(seconds: number): Promise<number> {
    const end = performance.now() + seconds * 1000
    const half = performance.now() + seconds * 500
    let counted = 0
    const sending = async (): Promise<void> => {
      while (performance.now() < end) {
        await this.#send()
        // The first half is for the compiler and the connections.
        if (performance.now() > half) counted++
      }
    }
    await Promise.all(Array.from({ length: this.#connections }, sending))
    return counted / (seconds / 2)
  }

  /** Sends so many in a second, whether they are answered or not. */
  async offer(rate: number, seconds: number): Promise<void> {
    this.#began = performance.now()
    this.interval()
    const before = this.#sent
    for (let elapsed = 0; elapsed < seconds; elapsed = this.#elapsed()) {
      const due = Math.floor(elapsed * rate) - (this.#sent - before)
      for (let count = 0; count < due; count++) void this.#send()
      await delay(tick)
    }
  }

  /** Resolves so many seconds after the beginning of {@link offer}. */
  async until(seconds: number): Promise<void> {
    await delay(Math.max(0, (seconds - this.#elapsed()) * 1000))
  }

  interval(): Interval {
    const times = this.#times.sort((a, b) => a - b)
    const refused = this.#refused
    this.#times = []
    this.#refused = 0
    const slow = times[Math.floor(times.length * 0.99)] ?? 0
    return { inFlight: this.#sent - this.#attempts.length, answered: times.length, refused, slow }
  }

  /** Resolves when everything is answered. */
  async end(): Promise<readonly Attempt[]> {
    while (this.#attempts.length < this.#sent) await delay(tick)
    return this.#attempts
  }

  close(): void {
    this.#clients.close()
  }

  #elapsed(): number {
    return (performance.now() - this.#began) / 1000
  }

  async #send(): Promise<void> {
    const number = this.#sent++
    const path = paths[number % paths.length] as string
    const began = performance.now()
    const attempt = await this.#clients.attempt(this.#url, path, `s${number}`)
    this.#attempts.push(attempt)
    if ((attempt.status ?? 0) >= 500) this.#refused++
    this.#times.push(performance.now() - began)
  }
}
