import { resolve } from 'node:path'
import { mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { retentionOf } from '@countersign/adapters/pg-boss'
import { createAuditTrail } from '@countersign/core'
import { fileAnchor } from '@countersign/core/evidence'
import { checkpointKeyOf, Secrets, storedSecret } from '@countersign/core/keys'
import type { CommandIo, PlanOnStore } from './command.js'
import { openDatabase } from './open-database.js'
import { runningStore } from './running-store.js'
import { serveCommands } from './serve-commands.js'
import type { Settings } from './settings.js'

/**
 * Runs a command in this process, on a database that it opens.
 *
 * @throws AuditError `STORE_UNREACHABLE`, `STORE_LOCKED`, `KEY_INVALID`, …
 */
export async function runHere(
  plan: PlanOnStore,
  input: readonly string[],
  settings: Settings,
  io: CommandIo,
): Promise<number> {
  const { env, folder, location, publicUrl } = settings
  const isServersWork = plan.isServersWork === true
  const secret = env.SECRET_KEY || storedSecret(folder)
  const key = secret ? new Secrets(secret).key('audit') : undefined
  // Only what signs the log from now on may make a key: to hold a log against a fresh one would be to call it forged.
  const signer = checkpointKeyOf(env, { folder, ...(isServersWork && { publicUrl }) })
  const retention = isServersWork ? retentionOf(env) : undefined
  const database = await openDatabase(location, { isPatient: !isServersWork })
  try {
    const trail = createAuditTrail({ sink: mikroOrmSink(database.orm, { connections: 1 }), ...(key && { key }) })
    const anchors = env.ANCHOR_FILE ? [fileAnchor({ path: resolve(env.ANCHOR_FILE) })] : []
    const known = { trail, signer, anchors, hasTrailKey: key !== undefined }
    const system = { orm: database.orm, ...known, ...(retention && { retention }) }
    const server = isServersWork && 'folder' in location ? await serveCommands({ folder, ...system }) : undefined
    const store = runningStore(system)
    let code = 1
    try {
      code = await plan.runOn(store, io, input)
    } finally {
      await server?.close()
      await store.close()
      await trail.close()
    }
    if (trail.counts.lost === 0) return code
    await io.err('It was done, and the row that says so could not be stored.\n')
    return code || 1
  } finally {
    await database.close()
  }
}
