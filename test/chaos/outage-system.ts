import { CutProxy } from '../support/cut-proxy.js'
import { emptyPostgres } from '../support/databases.js'
import { freshFolder } from '../support/fresh-folder.js'
import { type OutageServer, type OutageServerOptions, outageServer } from './outage-server.js'

/** A server, and a proxy on its way to a database of its own. */
export interface OutageSystem {
  readonly proxy: CutProxy
  readonly server: OutageServer
  close(): Promise<void>
}

export async function outageSystem(options: Partial<OutageServerOptions> = {}): Promise<OutageSystem> {
  const database = await emptyPostgres()
  const proxy = await CutProxy.before(database.url)
  const server = await outageServer({ folder: freshFolder(), ...options, direct: database.url, through: proxy.url })
  return {
    proxy,
    server,
    async close() {
      await server.close()
      await proxy.close()
      await database.drop()
    },
  }
}
