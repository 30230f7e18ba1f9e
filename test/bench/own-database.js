import pg from 'pg'

const postgresUrl = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'

let made = 0

/** An empty database on the server that a bench may fill; null, and why on stderr, where none is reachable. */
export async function ownDatabase() {
  const name = `countersign_bench_${process.pid}_${++made}`
  const execute = async (statement) => {
    const client = new pg.Client({ connectionString: postgresUrl, connectionTimeoutMillis: 2000 })
    await client.connect()
    await client.query(statement)
    await client.end()
  }
  try {
    await execute(`create database ${name}`)
  } catch (error) {
    console.error(String(error))
    return null
  }
  const url = new URL(postgresUrl)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => execute(`drop database ${name} with (force)`) }
}
