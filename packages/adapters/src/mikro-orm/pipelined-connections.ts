import type { Pool, PoolClient, Statement } from './kept-connections.js'
import { isRefusal } from './sql-state.js'

// Milliseconds without an answer, after which what comes next does not go behind what is under way.
const heldUpAfter = 20
// So many wait for each other at most, while there is another connection.
const deepest = 32

interface Lane {
  readonly opening: Promise<PoolClient>
  client?: PoolClient
  underWay: number
  /** When it began to wait for the answer that comes next. */
  waitsSince: number
  corked: boolean
}

/**
 * Connections that statements share: each is sent without waiting for the answers to those before it, which come in
 * their order. All go by the first one, whose process the database then finds warm, unless one that takes long holds it
 * up or too many are under way. One that can't be parsed may take those of its name with it that were sent meanwhile.
 */
export class PipelinedConnections {
  readonly #pool: Pool
  readonly #most: number
  readonly #lanes = new Set<Lane>()
  #ended = false

  /** @param pool one whose clients pipeline */
  constructor(pool: Pool, most: number) {
    this.#pool = pool
    this.#most = most
  }

  /** Whatever fails, but a statement that was refused, costs the connection: nobody knows what it still holds. */
  async query(statement: Statement): Promise<unknown[]> {
    const lane = this.#choose()
    if (lane.underWay === 0) lane.waitsSince = performance.now()
    lane.underWay++
    try {
      const client = lane.client ?? (await lane.opening)
      if (lane.underWay === 1) client.ref()
      else sendTogether(lane, client)
      return (await client.query(statement)).rows
    } catch (cause) {
      if (!isRefusal(cause)) this.#lanes.delete(lane)
      throw cause
    } finally {
      lane.underWay--
      lane.waitsSince = performance.now()
      if (lane.underWay === 0) this.#rest(lane)
    }
  }

  async end(): Promise<void> {
    this.#ended = true
    for (const lane of this.#lanes) if (lane.underWay === 0) this.#rest(lane)
    await this.#pool.end()
  }

  #choose(): Lane {
    const recently = performance.now() - heldUpAfter
    let least: Lane | undefined
    for (const lane of this.#lanes) {
      if (lane.underWay === 0 || (lane.underWay < deepest && lane.waitsSince > recently)) return lane
      if (!least || lane.underWay < least.underWay) least = lane
    }
    return least && this.#lanes.size >= this.#most ? least : this.#open()
  }

  #open(): Lane {
    const lane: Lane = { opening: this.#pool.connect(), underWay: 0, waitsSince: 0, corked: false }
    this.#lanes.add(lane)
    lane.opening.then(
      (client) => {
        lane.client = client
        // One that breaks says so to what runs on it, too; unheard, it would end the process.
        client.on('error', () => undefined)
        client.on('end', () => {
          this.#lanes.delete(lane)
          if (lane.underWay === 0) this.#rest(lane)
        })
      },
      () => this.#lanes.delete(lane),
    )
    return lane
  }

  /** A lane that nothing is under way on: it waits, without keeping the process, or is given up. */
  #rest(lane: Lane): void {
    const { client } = lane
    if (!client) return
    if (this.#lanes.has(lane) && !this.#ended) {
      client.unref()
      return
    }
    const isSound = this.#lanes.delete(lane)
    delete lane.client
    client.release(!isSound)
  }
}

/** Statements that are asked for in one turn of the event loop leave together: fewer writes, and fewer wake-ups there. */
function sendTogether(lane: Lane, { connection: { stream } }: PoolClient): void {
  if (lane.corked) return
  lane.corked = true
  stream.cork()
  setImmediate(() => {
    lane.corked = false
    stream.uncork()
  })
}
