/** Work that comes back by itself. Several processes may do it at once: a statement decides who does what. */
export interface Chore {
  /** For the warning when it fails. */
  readonly name: string
  run(): Promise<void>
}

/** How a {@link Sweeper} works. */
export interface SweeperOptions {
  readonly chores: readonly Chore[]
  /** Seconds between the end of one round and the next. */
  readonly pause: number
  /** Told of a chore that failed; the next round tries again. */
  readonly report: (message: string, cause: unknown) => void
}

/** Does its chores again and again, one after the other. */
export class Sweeper {
  readonly #options: SweeperOptions
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: SweeperOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#running = this.sweep().then(() => this.start())
    }, this.#options.pause * 1000).unref()
  }

  /** One round. Never rejects: what failed is reported. */
  async sweep(): Promise<void> {
    for (const { name, run } of this.#options.chores) {
      if (this.#stopped) return
      await run().catch((cause: unknown) => this.#options.report(`The chore '${name}' failed.`, cause))
    }
  }

  /** Resolves when nothing is being done. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
  }
}
