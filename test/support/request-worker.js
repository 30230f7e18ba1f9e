// A process that works on the requests of a log. With `hang`, an erasure never gets beyond its first step.
import { logOperations, logRequests, mikroOrmSink, sqlExecutor } from '@countersign/adapters/mikro-orm'
import { auditJobs } from '@countersign/adapters/pg-boss'
import { createAuditTrail } from '@countersign/core'
import { noteSigner } from '@countersign/core/evidence'
import { MikroORM } from '@mikro-orm/postgresql'

const { url, key, hang } = JSON.parse(process.argv[2])
const orm = await MikroORM.init({ entities: [], discovery: { warnWhenNoEntities: false }, clientUrl: url })
const trail = createAuditTrail({ sink: mikroOrmSink(orm) })
const operations = logOperations(orm, { trail, signer: noteSigner(key) })
const hanging = {
  ...operations,
  erase: (by, scope, onProgress) =>
    operations.erase(by, scope, async (done, of) => {
      await onProgress(done, of)
      console.log('hangs')
      await new Promise(() => undefined)
    }),
}
const requests = logRequests(orm, { trail, approval: false, enqueue: (...given) => jobs.enqueue(...given) })
// Each way to the database has its turn.
const own = sqlExecutor(orm)
const database = hang ? own : { connectionString: url }
const jobs = auditJobs({ database, requests: requests.worker(hang ? hanging : operations) })
await jobs.start()
console.log('works')
process.on('SIGTERM', async () => {
  await jobs.stop()
  for (const part of [requests, operations, own, trail, orm]) await part.close()
  process.exit()
})
