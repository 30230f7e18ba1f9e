import pg from 'pg'

/** The server that suites run on where it is reachable; `REQUIRE_SERVICES=1` makes its absence a failure. */
const postgresUrl: string = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'

/** The address of one of its databases. */
export function urlOfDatabase(name: string): string {
  const url = new URL(postgresUrl)
  url.pathname = `/${name}`
  return url.href
}

/** Has it do something, on a connection that ends with that. */
export async function onServer<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: postgresUrl, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** One statement, and how many rows it answers with. */
export const statement = (text: string): Promise<number> =>
  onServer(async (client) => (await client.query(text)).rows.length)
