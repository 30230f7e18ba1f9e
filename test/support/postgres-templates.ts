import { migrated, type Schema } from './migrated.js'
import { onServer, urlOfDatabase } from './postgres-server.js'
import { nameOfRun } from './run-folder.js'

const prefix = (): string => `template_${nameOfRun()}`

/** The database that those of a schema are copied from, made by the first suite of the run that asks. */
export async function postgresTemplate(schema: Schema): Promise<string> {
  const name = `${prefix()}_${schema}`
  await onServer(async (client) => {
    await client.query('select pg_advisory_lock(hashtext($1))', [name])
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name])
    if (rowCount) return
    // One that could not be migrated would hide why from every suite after the first.
    await client.query(`drop database if exists ${name}_making`)
    await client.query(`create database ${name}_making`)
    await migrated(schema, { url: urlOfDatabase(`${name}_making`) })
    await client.query(`alter database ${name}_making rename to ${name}`)
  })
  return name
}

/** Takes away what this run has made. */
export async function dropTemplates(): Promise<void> {
  await onServer(async (client) => {
    const { rows } = await client.query("select datname from pg_database where datname ~ ('^' || $1)", [prefix()])
    for (const { datname } of rows) await client.query(`drop database ${datname} with (force)`)
  })
}
