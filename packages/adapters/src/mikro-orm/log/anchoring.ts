import type { DegradationListener } from '@countersign/core'
import { type CheckpointAnchor, consistencyProof, parseCheckpoint } from '@countersign/core/evidence'
import type { SqlClient } from '../sql-client.js'
import { subtreeReader } from './stored-tree.js'

/** What an {@link Anchoring} works with. */
export interface AnchoringParts {
  readonly client: SqlClient
  readonly anchors: readonly CheckpointAnchor[]
  /** Milliseconds between two checkpoints that are anchored. */
  readonly interval: number
  readonly tell: DegradationListener
}

/** Hands checkpoints to anchors, now and then. One that fails holds up neither the log nor the others. */
export class Anchoring {
  readonly #parts: AnchoringParts
  /** How many leaves each has seen to. */
  readonly #anchored = new Map<CheckpointAnchor, number>()
  #dueAt = 0
  #last = ''
  #running: Promise<void> | undefined

  constructor(parts: AnchoringParts) {
    this.#parts = parts
  }

  /** Does what is due, in the background. */
  poke(): void {
    if (this.#running || this.#parts.anchors.length === 0 || Date.now() < this.#dueAt) return
    this.#running = this.#publish().finally(() => {
      this.#running = undefined
    })
  }

  /** Publishes what was not published yet, once. */
  async stop(): Promise<void> {
    await this.#running
    await this.#publish()
  }

  async #publish(): Promise<void> {
    const { client, anchors } = this.#parts
    try {
      const [last] = await client.query<{ note: string }>(
        'select note from audit_checkpoint order by tree_size desc limit 1',
        [],
      )
      if (!last || last.note === this.#last) return
      this.#last = last.note
      this.#dueAt = Date.now() + this.#parts.interval
      await Promise.all(anchors.map((anchor) => this.#publishTo(anchor, last.note)))
    } catch {
      // The sequencer, which needs the same database, says so.
    }
  }

  async #publishTo(anchor: CheckpointAnchor, note: string): Promise<void> {
    const { origin = '', size = 0 } = parseCheckpoint(note) ?? {}
    if (this.#anchored.get(anchor) === size) return
    const read = subtreeReader(this.#parts.client)
    try {
      await anchor.publish({ origin, size, note, consistencyProof: (first) => consistencyProof(first, size, read) })
      this.#anchored.set(anchor, size)
      this.#parts.tell({ degraded: false, component: 'anchor', reaction: 'try_again' })
    } catch (cause) {
      this.#last = ''
      this.#parts.tell({ degraded: true, component: 'anchor', reaction: 'try_again', cause })
    }
  }
}
