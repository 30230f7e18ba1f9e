import type { MikroORM } from '@mikro-orm/core'
import { copyClient, type Statements } from './sql-client.js'

/** Runs SQL, in the words of pg-boss: what its option `db` takes, and a job that is sent in a transaction. */
export interface SqlExecutor {
  /** A text without values may hold several statements. */
  executeSql(text: string, values?: readonly unknown[]): Promise<{ rows: unknown[] }>
}

/**
 * The database of an orm for a job queue that lives in it: on PostgreSQL two connections of its own, on PGlite the
 * one there is.
 *
 * @example
 * const database = sqlExecutor(orm)
 * await database.executeSql('select 1')
 * await database.close()
 */
export function sqlExecutor(orm: MikroORM): SqlExecutor & { close(): Promise<void> } {
  const client = copyClient(orm, 2)
  return {
    async executeSql(text, values = []) {
      return { rows: values.length > 0 ? await client.query(text, values) : await client.script(text) }
    },
    close: () => client.close(),
  }
}

/** The same inside of a transaction. */
export function executorOf(statements: Statements): SqlExecutor {
  return { executeSql: async (text, values = []) => ({ rows: await statements.query(text, values) }) }
}
