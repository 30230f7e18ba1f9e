import { AuditError, type Degradation, type DegradationListener } from '@countersign/core'
import type { CheckpointAnchor, NoteSigner } from '@countersign/core/evidence'
import type { MikroORM } from '@mikro-orm/core'
import { copyClient } from '../sql-client.js'
import { isLostRace } from '../sql-state.js'
import { Anchoring } from './anchoring.js'
import { type Round, sequencingRound } from './sequencing-round.js'

/** How a {@link Sequencer} works. */
export interface SequencerOptions {
  /** The key that signs checkpoints; its name is the origin of the log. */
  readonly signer: NoteSigner
  /** Milliseconds from one look for new rows to the next (500): at most so long, and a little, a row waits for its leaf. */
  readonly interval?: number
  /** Where checkpoints are kept outside of the database. */
  readonly anchors?: readonly CheckpointAnchor[]
  /** Milliseconds between two checkpoints that are anchored (60,000). */
  readonly anchorInterval?: number
  /** Told after each round that added leaves. */
  readonly onRound?: (leaves: number) => void
}

/** Gives rows their place in the log. Any number of them may run on one database: one works at a time. */
export interface Sequencer {
  start(): void
  /** Works until no row is left that was there when it was called, whoever gives it its leaf. */
  catchUp(): Promise<void>
  /** Tells when it, or an anchor, can't work, and when it can again. */
  watch(listener: DegradationListener): void
  /** Ends after the round that is under way. */
  stop(): Promise<void>
}

/**
 * Makes the sequencer of an audit store.
 *
 * @example
 * const sequencer = logSequencer(orm, { signer: noteSigner(process.env.CHECKPOINT_KEY ?? '') })
 * sequencer.start()
 */
export function logSequencer(orm: MikroORM, options: SequencerOptions): Sequencer {
  return new PollingSequencer(orm, options)
}

const longestPause = 5000

class PollingSequencer implements Sequencer {
  readonly #client: ReturnType<typeof copyClient>
  readonly #options: SequencerOptions
  readonly #interval: number
  readonly #anchoring: Anchoring
  readonly #listeners: DegradationListener[] = []
  #timer: NodeJS.Timeout | undefined
  #running: Promise<Round> | undefined
  #stopped = false
  #failures = 0

  constructor(orm: MikroORM, options: SequencerOptions) {
    this.#client = copyClient(orm, 1)
    this.#options = options
    this.#interval = options.interval ?? 500
    this.#anchoring = new Anchoring({
      client: this.#client,
      anchors: options.anchors ?? [],
      interval: options.anchorInterval ?? 60_000,
      tell: (state) => this.#tell(state),
    })
  }

  start(): void {
    this.#later(0)
  }

  async catchUp(): Promise<void> {
    let idle = 0
    // Twice: the first round may have begun before the last of these rows was there.
    while (idle < 2) {
      const { mine, more } = await this.#round()
      idle = mine && !more ? idle + 1 : 0
      if (!mine) await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  watch(listener: DegradationListener): void {
    this.#listeners.push(listener)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running?.catch(() => undefined)
    await this.#anchoring.stop()
    await this.#client.close()
  }

  #later(milliseconds: number): void {
    if (this.#stopped) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#tick(), milliseconds)
    this.#timer.unref()
  }

  async #tick(): Promise<void> {
    const began = performance.now()
    try {
      const { mine, more } = await this.#round()
      this.#tell({ degraded: false, component: 'sequencer', reaction: 'try_again' })
      this.#failures = 0
      // Who has the log has its anchors, too.
      if (mine) this.#anchoring.poke()
      this.#later(more ? 0 : Math.max(this.#interval / 5, this.#interval - (performance.now() - began)))
    } catch (cause) {
      this.#failures++
      this.#tell({ degraded: true, component: 'sequencer', reaction: reactionTo(cause), cause })
      this.#later(Math.min(longestPause, this.#interval * 2 ** Math.min(this.#failures, 10)))
    }
  }

  /** One at a time: whoever asks while one is under way gets that one. */
  #round(): Promise<Round> {
    this.#running ??= sequencingRound(this.#client, this.#options.signer)
      .catch((cause): Round => {
        // Another process was quicker, between our first look and our lock.
        if (isLostRace(cause)) return { mine: false, leaves: 0, more: true }
        throw cause
      })
      .then((round) => {
        if (round.leaves > 0) this.#options.onRound?.(round.leaves)
        return round
      })
      .finally(() => {
        this.#running = undefined
      })
    return this.#running
  }

  #tell(state: Degradation): void {
    for (const listener of this.#listeners) listener(state)
  }
}

function reactionTo(cause: unknown): string {
  return cause instanceof AuditError && cause.code === 'CHECKPOINT_KEY_WRONG' ? 'stand_aside' : 'try_again'
}
