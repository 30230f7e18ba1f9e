import { mikroOrmReader } from '@countersign/adapters/mikro-orm'
import type { MikroORM } from '@mikro-orm/core'
import pg from 'pg'

/** A statement as a driver was given it. */
export interface SentStatement {
  readonly text: string
  readonly values: readonly unknown[]
  readonly name?: string
}

/** A reader, and what it asks the database. */
export interface RecordedReader {
  readonly reader: ReturnType<typeof mikroOrmReader>
  readonly sent: SentStatement[]
}

type Query = (text: string, values?: unknown[], options?: object) => Promise<unknown>

export async function recordedReader(orm: MikroORM): Promise<RecordedReader> {
  const sent: SentStatement[] = []
  const native = await (orm.em.getDriver().getConnection() as any).getNativeClient()
  if ('exec' in native) {
    const lite: { query: Query } = native
    const query = lite.query.bind(lite)
    lite.query = (text, values = [], options) => {
      if (!text.startsWith('explain')) sent.push({ text, values })
      return query(text, values, options)
    }
    return { reader: mikroOrmReader(orm), sent }
  }
  const driverOptions = orm.config.get('driverOptions')
  orm.config.set('driverOptions', { Client: recordingClient(sent) })
  const reader = mikroOrmReader(orm)
  orm.config.set('driverOptions', driverOptions)
  return { reader, sent }
}

function recordingClient(sent: SentStatement[]) {
  return class extends pg.Client {
    override query(...asked: any[]): any {
      if (typeof asked[0]?.text === 'string') sent.push(asked[0])
      return super.query(...(asked as [any]))
    }
  }
}
