import type { MikroORM } from '@mikro-orm/core'

/** What is needed of a client of `pg.Pool`. */
interface PooledClient {
  release(destroy?: boolean): void
  once(event: 'end', listener: () => void): unknown
}

interface Pool {
  on(event: 'acquire', listener: (client: PooledClient) => void): unknown
  on(event: 'release', listener: (error: unknown, client: PooledClient) => void): unknown
}

/**
 * Gives connections back to the pool of an orm when they break while a transaction holds them.
 * Kysely keeps one whose BEGIN, COMMIT or ROLLBACK failed (kysely-org/kysely#1990): after an outage
 * of the database the pool would be used up, and every transaction would wait for ever.
 */
export async function giveBackDeadConnections(orm: MikroORM): Promise<void> {
  const connection = orm.em.getDriver().getConnection() as unknown as { getNativeClient(): Promise<Pool> }
  const pool = await connection.getNativeClient()
  const held = new Set<PooledClient>()
  const known = new WeakSet<PooledClient>()
  pool.on('release', (_, client) => held.delete(client))
  pool.on('acquire', (client) => {
    held.add(client)
    if (known.has(client)) return
    known.add(client)
    client.once('end', () => {
      if (!held.has(client)) return
      client.release(true)
      // Whoever holds it may give it back as well, and pg throws at the second time.
      client.release = () => undefined
    })
  })
}
