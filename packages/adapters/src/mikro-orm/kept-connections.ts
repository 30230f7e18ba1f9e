import type { CopyIn } from './copy-in.js'
import { isRefusal } from './sql-state.js'

/** What is needed of a `pg.Pool`. */
export interface Pool {
  connect(): Promise<PoolClient>
  end(): Promise<void>
}

/** A statement; one that has a name is parsed and planned once per connection. */
export interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
  readonly name?: string
}

/** What is needed of a client of one. */
export interface PoolClient {
  readonly connection: { readonly stream: { cork(): void; uncork(): void } }
  query(statement: Statement): Promise<{ rows: unknown[] }>
  query(query: CopyIn): void
  on(event: 'error' | 'end', listener: () => void): void
  ref(): void
  unref(): void
  release(broken?: boolean): void
}

/**
 * Connections of a pool that are not given back between statements: taking one out costs a lone
 * attempt as much as making its row. An idle one does not keep the process.
 */
export class KeptConnections {
  readonly #pool: Pool
  readonly #idle: PoolClient[] = []
  readonly #known = new WeakSet<PoolClient>()
  #waiting = 0
  #ended = false

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** Whatever fails, but a statement that was refused, costs the connection: nobody knows what it still holds. */
  async with<Result>(run: (client: PoolClient) => Promise<Result>): Promise<Result> {
    const client = this.#idle.pop() ?? (await this.#taken())
    client.ref()
    try {
      const result = await run(client)
      this.#keep(client)
      return result
    } catch (cause) {
      if (isRefusal(cause)) this.#keep(client)
      else client.release(true)
      throw cause
    }
  }

  async end(): Promise<void> {
    this.#ended = true
    for (const client of this.#idle.splice(0)) client.release()
    await this.#pool.end()
  }

  async #taken(): Promise<PoolClient> {
    this.#waiting++
    const client = await this.#pool.connect().finally(() => this.#waiting--)
    if (this.#known.has(client)) return client
    this.#known.add(client)
    // One that breaks says so to what runs on it, too; unheard, it would end the process.
    client.on('error', () => undefined)
    client.on('end', () => this.#forget(client))
    return client
  }

  #keep(client: PoolClient): void {
    // The pool serves who asked first.
    if (this.#ended || this.#waiting > 0) {
      client.release()
      return
    }
    client.unref()
    this.#idle.push(client)
  }

  #forget(client: PoolClient): void {
    const index = this.#idle.indexOf(client)
    if (index < 0) return
    this.#idle.splice(index, 1)
    client.release(true)
  }
}
