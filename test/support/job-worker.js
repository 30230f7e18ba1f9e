// A worker process: takes one job from standard input, and records what it did in the database.
import { text } from 'node:stream/consumers'
import { mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { createAuditTrail } from '@countersign/core'
import { MikroORM } from '@mikro-orm/postgresql'

const { context, secret, url } = JSON.parse(await text(process.stdin))
const orm = await MikroORM.init({ entities: [], discovery: { warnWhenNoEntities: false }, clientUrl: url })
const trail = createAuditTrail({ sink: mikroOrmSink(orm), key: secret })
try {
  await trail.runSealed(context, 'exports', async () => {
    await trail.record('data_export_ready', { details: { bytes: 7 } })
    await trail.record('admin_action', {
      actor: { type: 'service', id: 'exporter' },
      details: { action: 'export.clean' },
    })
  })
} catch (error) {
  console.log(error.code)
}
await trail.close()
await orm.close()
